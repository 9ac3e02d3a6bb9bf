// CreateTopics
// v4 default partitions and factor by -1 (KIP-464; kafkajs asks for them at v3 already)
// v5 configs in the answer (KIP-525), flexible · v6 quotas (KIP-599) · v7 topic id

import type { CreatedTopic, NewTopic } from '@sluice/core/cluster/controller'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { CreateTopicsRequest } from '@sluice/protocol/messages/19-create-topics'
import type { Broker } from '../broker.ts'
import { describeTopicConfigs } from '../config-entries.ts'
import { handler } from '../handler.ts'

type Wanted = CreateTopicsRequest['topics'][number]

/** Clients of older versions know no THROTTLING_QUOTA_EXCEEDED. */
const quotaErrorSince = 6

export const createTopics = handler(
  apis.createTopics,
  {
    min: 2,
    max: 7,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    failed: (request, { errorCode, message }) => ({
      topics: request.topics.map(({ name }) => refused(name, errorCode, message)),
    }),
  },
  async (broker, request, context) => {
    const { validateOnly } = request
    const mutations = broker.quotas.mutationsOf(context, { strictSince: quotaErrorSince })
    const asked = new Map<string, Wanted[]>()
    for (const wanted of request.topics) {
      const same = asked.get(wanted.name)
      if (same) same.push(wanted)
      else asked.set(wanted.name, [wanted])
    }
    const bad: ReturnType<typeof refused>[] = []
    const accepted: Wanted[] = []
    for (const [name, wanted] of asked) {
      const refusal = refuse(wanted)
      if (refusal) bad.push(refused(name, refusal.error, refusal.message))
      else accepted.push(wanted[0])
    }
    const { controller } = broker.cluster
    const outcomes = await controller.createTopics(accepted.map(newTopic), {
      validateOnly,
      mutations,
    })
    const created = accepted.map(({ name }, i) => answer(broker, name, outcomes[i]))
    return { topics: [...bad, ...created] }
  },
)

/** What no controller is asked about; `wanted` are all that the request says of one name. */
function refuse(wanted: readonly Wanted[]): { error: number; message: string } | undefined {
  const [{ name, configs }] = wanted
  if (wanted.length > 1) {
    return { error: errors.INVALID_REQUEST, message: 'Duplicate topic name.' }
  }
  if (name === '__cluster_metadata') {
    const message = 'Creation of internal topic __cluster_metadata is prohibited.'
    return { error: errors.INVALID_REQUEST, message }
  }
  const withoutValue = configs.find(({ value }) => value === null)
  if (withoutValue) {
    const message = `Null value not supported for topic configs: ${withoutValue.name}`
    return { error: errors.INVALID_CONFIG, message }
  }
  return undefined
}

function newTopic(wanted: Wanted): NewTopic {
  return {
    name: wanted.name,
    partitions: wanted.numPartitions,
    replicationFactor: wanted.replicationFactor,
    assignments: wanted.assignments.map(({ partitionIndex, brokerIds }) => ({
      index: partitionIndex,
      brokers: brokerIds,
    })),
    configs: Object.fromEntries(wanted.configs.map(({ name, value }) => [name, value ?? ''])),
  }
}

function answer(broker: Broker, name: string, outcome: CreatedTopic) {
  if (!outcome.ok) return refused(name, outcome.error, outcome.message)
  const { topic, configs } = outcome
  return {
    name,
    topicId: topic.id,
    errorCode: 0,
    errorMessage: null,
    numPartitions: topic.partitions.length,
    replicationFactor: topic.partitions[0].replicas.length,
    configs: describeTopicConfigs(broker, configs).map((entry) => ({
      name: entry.name,
      value: entry.value,
      readOnly: false,
      configSource: entry.configSource,
      isSensitive: false,
    })),
  }
}

function refused(name: string, errorCode: number, errorMessage: string | null) {
  return {
    name,
    errorCode,
    errorMessage,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  }
}
