// DescribeQuorum (KIP-595)
// v1 fetch times (KIP-836) · v2 directory ids and nodes (KIP-853)
//
// There is no KRaft quorum: the table is the metadata log and its controller the one voter. Tools that
// ask see that: the version of the metadata stands for the offset.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { Broker } from '../broker.ts'
import { handler, type RequestContext } from '../handler.ts'

const metadataTopic = '__cluster_metadata'
const nodesSince = 2
const directoryIdsSince = 2

export const describeQuorum = handler(
  apis.describeQuorum,
  {
    min: 0,
    max: 2,
    failed: (_request, { errorCode, message }) => ({
      errorCode,
      errorMessage: message,
      topics: [],
      nodes: [],
    }),
  },
  (broker, request, context) => ({
    errorCode: 0,
    errorMessage: null,
    topics: request.topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) =>
        topicName === metadataTopic && partitionIndex === 0
          ? metadataPartition(broker, context.apiVersion)
          : unknownPartition(partitionIndex),
      ),
    })),
    nodes: context.apiVersion >= nodesSince ? controllerNodes(broker, context) : [],
  }),
)

/** The controller at the listener by which the client came: others may lead nowhere for it. */
function controllerNodes({ cluster: { image } }: Broker, context: RequestContext) {
  const controller = image.broker(image.controllerId)
  if (!controller) return []
  const { id, endpoints } = controller
  const listeners = endpoints
    .filter(({ listener }) => listener === context.listener.name)
    .map(({ listener, host, port }) => ({ name: listener, host, port }))
  return [{ nodeId: id, listeners }]
}

function metadataPartition(broker: Broker, apiVersion: number) {
  const { image, controllerEpoch } = broker.cluster
  const controller = image.broker(image.controllerId)
  const now = broker.host.clock.now()
  return {
    partitionIndex: 0,
    errorCode: 0,
    errorMessage: null,
    leaderId: image.controllerId,
    leaderEpoch: controllerEpoch,
    highWatermark: image.version,
    currentVoters: [
      {
        replicaId: image.controllerId,
        ...(apiVersion >= directoryIdsSince && { replicaDirectoryId: controller?.directoryId }),
        logEndOffset: image.version,
        lastFetchTimestamp: now,
        lastCaughtUpTimestamp: now,
      },
    ],
    observers: [],
  }
}

function unknownPartition(partitionIndex: number) {
  return {
    partitionIndex,
    errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: null,
    leaderId: -1,
    leaderEpoch: -1,
    highWatermark: -1,
    currentVoters: [],
    observers: [],
  }
}
