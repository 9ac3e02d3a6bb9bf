// Metadata
// v1 all topics by null · v4 allowAutoTopicCreation · v5 offline replicas · v7 leader epochs
// v8 authorized operations (KIP-430) · v9 flexible · v10 topic ids (KIP-516) · v12 topics by id
// v13 error at the top (KIP-1102)

import type { TopicImage } from '@sluice/core/cluster/image'
import { invalidTopicName } from '@sluice/core/cluster/topic-name'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { MetadataRequest } from '@sluice/protocol/messages/03-metadata'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from '../broker.ts'
import { handler, type RequestContext } from '../handler.ts'
import { clusterOperations, operationsOmitted, replicasOf, topicOperations } from '../lookup.ts'
import { createOnDemand } from '../topics.ts'

/** How long a client waits for a topic to be created on first use. */
const creationTimeoutMs = 5000
const byIdSince = 12

export const metadata = handler(
  apis.metadata,
  {
    min: 0,
    max: 13,
    timeoutMs: () => creationTimeoutMs,
    failed: (request, { errorCode }) => refused(request, errorCode),
  },
  (broker, request, context) => {
    const { apiVersion } = context
    if (apiVersion < byIdSince && (request.topics ?? []).some(isById)) {
      return refused(request, errors.INVALID_REQUEST)
    }
    const missing = toCreate(broker, request, context)
    if (missing.length === 0) return describe(broker, request, context, new Map())
    // Who only asks is not refused: it waits.
    const mutations = broker.quotas.mutationsOf(context, { strictSince: Number.POSITIVE_INFINITY })
    return createOnDemand(broker, missing, mutations).then((outcomes) =>
      describe(broker, request, context, outcomes),
    )
  },
)

/**
 * Where an id is given it decides: Java's admin client sends an empty name with it, others null.
 * Versions 10 and 11 carry ids in the request and take none.
 */
function isById({ name, topicId }: { name: string | null; topicId: string }): boolean {
  return name === null || topicId !== zeroUuid
}

function refused(request: MetadataRequest, errorCode: number) {
  return {
    brokers: [],
    topics: (request.topics ?? []).map(({ name, topicId }) => ({
      ...noTopic(name ?? '', topicId),
      errorCode,
    })),
    errorCode,
  }
}

function toCreate(broker: Broker, request: MetadataRequest, context: RequestContext): string[] {
  const allowed = request.allowAutoTopicCreation || context.apiVersion < 4
  if (!allowed || !broker.config['auto.create.topics.enable'] || !request.topics) return []
  const names = new Set<string>()
  for (const asked of request.topics) {
    const { name } = asked
    if (name === null || isById(asked)) continue
    if (broker.cluster.image.topic(name) || invalidTopicName(name)) continue
    names.add(name)
  }
  return [...names]
}

function describe(
  broker: Broker,
  request: MetadataRequest,
  context: RequestContext,
  created: ReadonlyMap<string, number>,
) {
  const { image } = broker.cluster
  const operations = request.includeTopicAuthorizedOperations ? topicOperations : operationsOmitted
  const found = (asked: { topicId: string; name: string | null }) => {
    const { topicId, name } = asked
    if (name === null || isById(asked)) {
      const topic = image.topicById(topicId)
      if (topic) return describeTopic(broker, topic, operations)
      return { ...noTopic(null, topicId), errorCode: errors.UNKNOWN_TOPIC_ID }
    }
    const topic = image.topic(name)
    if (topic) return describeTopic(broker, topic, operations)
    if (invalidTopicName(name)) {
      return { ...noTopic(name, zeroUuid), errorCode: errors.INVALID_TOPIC_EXCEPTION }
    }
    const errorCode = created.get(name) || errors.UNKNOWN_TOPIC_OR_PARTITION
    return { ...noTopic(name, zeroUuid), errorCode }
  }
  const everything = request.topics === null || (context.apiVersion === 0 && !request.topics.length)
  return {
    brokers: describeBrokers(broker, context),
    clusterId: broker.clusterId,
    controllerId: image.controllerId,
    topics: everything
      ? [...image.topics()].map((topic) => describeTopic(broker, topic, operations))
      : (request.topics ?? []).map(found),
    ...(request.includeClusterAuthorizedOperations && {
      clusterAuthorizedOperations: clusterOperations,
    }),
    errorCode: 0,
  }
}

/** Each broker at the address of the listener by which the client came. */
function describeBrokers(broker: Broker, context: RequestContext) {
  const { name } = context.listener
  return [...broker.cluster.image.brokers()].flatMap(({ id, rack, endpoints, fenced }) => {
    const endpoint = endpoints.find(({ listener }) => listener === name)
    if (!endpoint || fenced) return []
    return [{ nodeId: id, host: endpoint.host, port: endpoint.port, rack }]
  })
}

function describeTopic(broker: Broker, topic: TopicImage, topicAuthorizedOperations: number) {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.map(({ index }) => ({
      partitionIndex: index,
      ...replicasOf(broker, topic, index),
    })),
    topicAuthorizedOperations,
  }
}

function noTopic(name: string | null, topicId: string) {
  return { errorCode: 0, name, topicId, isInternal: false, partitions: [] }
}
