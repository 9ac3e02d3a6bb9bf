// ElectLeaders (KIP-183)
// v1 election types, error at the top (KIP-460) · v2 flexible

import type { ElectionType } from '@sluice/core/cluster/elect-leaders'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { ElectLeadersRequest } from '@sluice/protocol/messages/43-elect-leaders'
import type { Broker } from '../broker.ts'
import { type Failure, handler } from '../handler.ts'

const electionTypes: readonly ElectionType[] = ['preferred', 'unclean']

export const electLeaders = handler(
  apis.electLeaders,
  {
    min: 0,
    max: 2,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    failed: refused,
  },
  async (broker, request, { apiVersion }) => {
    const type = electionTypes[request.electionType]
    if (!type) {
      const message = `Unknown election type ${request.electionType}`
      return refused(request, { errorCode: errors.INVALID_REQUEST, message }, apiVersion)
    }
    const { topicPartitions } = request
    const results = await elect(broker, topicPartitions ?? allPartitions(broker), type)
    if (topicPartitions) return { errorCode: 0, replicaElectionResults: results }
    // Of all partitions those are named for which something was to be done.
    const named = results.map(({ topic, partitionResult }) => ({
      topic,
      partitionResult: partitionResult.filter(
        ({ errorCode }) => errorCode !== errors.ELECTION_NOT_NEEDED,
      ),
    }))
    const replicaElectionResults = named.filter(({ partitionResult }) => partitionResult.length > 0)
    return { errorCode: 0, replicaElectionResults }
  },
)

function refused(
  { topicPartitions }: ElectLeadersRequest,
  { errorCode, message }: Failure,
  version: number,
) {
  return {
    errorCode: version >= 1 ? errorCode : 0,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({
        partitionId,
        errorCode,
        errorMessage: message,
      })),
    })),
  }
}

type Asked = NonNullable<ElectLeadersRequest['topicPartitions']>

async function elect(broker: Broker, asked: Asked, type: ElectionType) {
  const refs = asked.flatMap(({ topic, partitions }) =>
    partitions.map((index) => ({ topic, index })),
  )
  const outcomes = await broker.cluster.controller.electLeaders(refs, type)
  let next = 0
  return asked.map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => {
      const outcome = outcomes[next++]
      if (outcome.ok) return { partitionId, errorCode: 0, errorMessage: null }
      return { partitionId, errorCode: outcome.error, errorMessage: outcome.message }
    }),
  }))
}

function allPartitions(broker: Broker): Asked {
  return [...broker.cluster.image.topics()].map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ index }) => index),
  }))
}
