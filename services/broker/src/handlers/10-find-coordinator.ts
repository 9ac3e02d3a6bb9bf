// FindCoordinator
// v1 key types, error message · v2 throttle time · v3 flexible · v4 several keys (KIP-699)
// v5 TRANSACTION_ABORTABLE (KIP-890) · v6 share groups' state (KIP-932)

import { groupOffsetsTopic } from '@sluice/core/cluster/topic-name'
import { apis } from '@sluice/protocol/apis'
import { errorText } from '@sluice/protocol/error-texts'
import { errors } from '@sluice/protocol/errors'
import type { Broker } from '../broker.ts'
import { handler, type RequestContext } from '../handler.ts'
import { replicasOf } from '../lookup.ts'

const firstVersionWithKeys = 4

const keyTypes = { group: 0, transaction: 1 }

interface Coordinator {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

export const findCoordinator = handler(
  apis.findCoordinator,
  {
    min: 0,
    max: 6,
    failed: ({ coordinatorKeys, key }, { errorCode, message }, version) => {
      const keys = version >= firstVersionWithKeys ? coordinatorKeys : [key]
      return answer(
        keys.map((name) => ({ key: name, ...nobody(errorCode, message) })),
        version,
      )
    },
  },
  async (broker, request, context) => {
    const several = context.apiVersion >= firstVersionWithKeys
    const keys = several ? request.coordinatorKeys : [request.key]
    const find = await finder(broker, request.keyType, context)
    return answer(
      keys.map((key) => ({ key, ...find(key) })),
      context.apiVersion,
    )
  },
)

function answer(coordinators: (Coordinator & { key: string })[], version: number) {
  if (version >= firstVersionWithKeys) return { coordinators }
  const [{ nodeId, host, port, errorCode, errorMessage }] = coordinators
  return { nodeId, host, port, errorCode, errorMessage }
}

function nobody(errorCode: number, errorMessage = errorText(errorCode)): Coordinator {
  return { nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}

async function finder(
  broker: Broker,
  keyType: number,
  context: RequestContext,
): Promise<(key: string) => Coordinator> {
  if (keyType === keyTypes.transaction) {
    // Of the errors here this one alone ends a transactional producer at once, Java's and librdkafka's;
    // with any other librdkafka asks again until its time is up.
    const message = 'Transactions are not supported yet: use a producer without transactional.id'
    return () => nobody(errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message)
  }
  if (keyType !== keyTypes.group) {
    return () => nobody(errors.INVALID_REQUEST, `No coordinator for keys of type ${keyType} here`)
  }
  if (!broker.cluster.image.topic(groupOffsetsTopic)) {
    const error = await broker.groups.ensureLog()
    if (error !== errors.NONE) return () => nobody(errors.COORDINATOR_NOT_AVAILABLE)
  }
  return (groupId) => groupCoordinator(broker, groupId, context.listener.name)
}

function groupCoordinator(broker: Broker, groupId: string, listenerName: string): Coordinator {
  const { image } = broker.cluster
  const index = broker.groups.partitionFor(groupId)
  const topic = image.topic(groupOffsetsTopic)
  // One whose log directory failed has no leader.
  const nodeId = topic?.partitions[index] ? replicasOf(broker, topic, index).leaderId : -1
  const endpoints = image.broker(nodeId)?.endpoints ?? []
  const endpoint = endpoints.find(({ listener }) => listener === listenerName)
  if (!endpoint) return nobody(errors.COORDINATOR_NOT_AVAILABLE)
  const { host, port } = endpoint
  return { nodeId, host, port, errorCode: errors.NONE, errorMessage: null }
}
