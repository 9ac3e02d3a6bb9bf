// DeleteTopics
// v3 TOPIC_DELETION_DISABLED · v4 flexible · v5 error message · v6 by topic id (KIP-516)

import { apis } from '@sluice/protocol/apis'
import { errorText } from '@sluice/protocol/error-texts'
import { errors } from '@sluice/protocol/errors'
import type { DeleteTopicsRequest } from '@sluice/protocol/messages/20-delete-topics'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

interface Named {
  readonly name: string | null
  readonly topicId: string
}

interface Outcome extends Named {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Clients of older versions know no THROTTLING_QUOTA_EXCEEDED. */
const quotaErrorSince = 5

export const deleteTopics = handler(
  apis.deleteTopics,
  {
    min: 1,
    max: 6,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    failed: (request, { errorCode }, version) => ({
      responses: named(request, version).map((topic) => outcome(topic, errorCode)),
    }),
  },
  async (broker, request, context) => {
    const { apiVersion } = context
    const topics = named(request, apiVersion)
    if (!broker.config['delete.topic.enable']) {
      const code = apiVersion < 3 ? errors.INVALID_REQUEST : errors.TOPIC_DELETION_DISABLED
      return { responses: topics.map((topic) => outcome(topic, code)) }
    }
    const resolved = distinct(topics).map((topic) => resolve(broker, topic, topics))
    const ids = resolved.filter(({ errorCode }) => errorCode === 0).map(({ topicId }) => topicId)
    const mutations = broker.quotas.mutationsOf(context, { strictSince: quotaErrorSince })
    const codes = await broker.cluster.controller.deleteTopics(ids, mutations)
    const byId = new Map(ids.map((id, i) => [id, codes[i]]))
    return {
      responses: resolved.map((one) =>
        one.errorCode === 0 ? outcome(one, byId.get(one.topicId) ?? 0) : one,
      ),
    }
  },
)

function named(request: DeleteTopicsRequest, version: number): Named[] {
  if (version >= 6) return request.topics
  return request.topicNames.map((name) => ({ name, topicId: zeroUuid }))
}

/** What is named twice is answered once. */
function distinct(topics: readonly Named[]): Named[] {
  const keyOf = ({ name, topicId }: Named) => JSON.stringify([name, topicId])
  return [...new Map(topics.map((topic) => [keyOf(topic), topic])).values()]
}

/** The topic with both its names, or why it is not deleted. */
function resolve(broker: Broker, asked: Named, all: readonly Named[]): Outcome {
  const { name, topicId } = asked
  const { image } = broker.cluster
  const byId = topicId !== zeroUuid
  const invalid = (message: string) => outcome(asked, errors.INVALID_REQUEST, message)
  if (!byId && name === null) return invalid('Neither topic name nor id were specified.')
  if (byId && name !== null) return invalid('You may not specify both topic name and topic id.')
  const again = all.filter((one) => one.name === name && one.topicId === topicId)
  if (again.length > 1) return invalid(`Duplicate topic ${byId ? 'id' : 'name'}.`)
  const topic = byId ? image.topicById(topicId) : image.topic(name ?? '')
  if (!topic) {
    return outcome(asked, byId ? errors.UNKNOWN_TOPIC_ID : errors.UNKNOWN_TOPIC_OR_PARTITION)
  }
  const other = all.some((one) => (byId ? one.name === topic.name : one.topicId === topic.id))
  if (other) return invalid('The provided topic name maps to an ID that was already supplied.')
  return outcome({ name: topic.name, topicId: topic.id }, 0)
}

function outcome({ name, topicId }: Named, errorCode: number, message?: string): Outcome {
  const errorMessage = errorCode === 0 ? null : (message ?? errorText(errorCode))
  return { name, topicId, errorCode, errorMessage }
}
