// CreateTopics
// v4 default partitions and factor by -1 (KIP-464; kafkajs asks for them at v3) · v5 configs in the answer (KIP-525), flexible
// v6 quotas (KIP-599) · v7 topic id

import type { CreatedTopic, NewTopic } from '@sluice/core/cluster/controller'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { CreateTopicsRequest } from '@sluice/protocol/messages/19-create-topics'
import type { Broker } from '../broker.ts'
import { describeTopicConfigs } from '../config-entries.ts'
import { handler } from '../handler.ts'

type Wanted = CreateTopicsRequest['topics'][number]

export const createTopics = handler(
  apis.createTopics,
  {
    min: 2,
    max: 7,
    failed: (request, { errorCode, message }) => ({
      topics: request.topics.map(({ name }) => refused(name, errorCode, message)),
    }),
  },
  async (broker, request) => {
    const refusals = new Map<Wanted, string>()
    for (const wanted of request.topics) {
      const why = refuse(wanted, request)
      if (why) refusals.set(wanted, why)
    }
    const accepted = request.topics.filter((wanted) => !refusals.has(wanted))
    const { validateOnly } = request
    const { controller } = broker.cluster
    const outcomes = await controller.createTopics(accepted.map(newTopic), { validateOnly })
    const created = accepted.map(({ name }, i) => answer(broker, name, outcomes[i]))
    // Kafka answers a name that came several times once.
    const names = new Set([...refusals.keys()].map(({ name }) => name))
    const why = new Map([...refusals].map(([{ name }, message]) => [name, message]))
    const bad = [...names].map((name) =>
      refused(name, errors.INVALID_REQUEST, why.get(name) ?? null),
    )
    return { topics: [...bad, ...created] }
  },
)

function refuse(wanted: Wanted, request: CreateTopicsRequest): string | undefined {
  const { name, configs } = wanted
  if (request.topics.some((other) => other !== wanted && other.name === name)) {
    return 'Duplicate topic name.'
  }
  if (name === '__cluster_metadata') {
    return 'Creation of internal topic __cluster_metadata is prohibited.'
  }
  if (configs.some(({ value }) => value === null)) {
    return `Null value not supported for topic configs: ${configs.find((one) => one.value === null)?.name}`
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
