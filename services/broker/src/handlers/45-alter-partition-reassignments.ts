// AlterPartitionReassignments (KIP-455)
// v1 the number of replicas may be held fast (KIP-860). Replicas of null cancel what is under way.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

export const alterPartitionReassignments = handler(
  apis.alterPartitionReassignments,
  {
    min: 0,
    max: 1,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    failed: (_request, { errorCode, message }) => ({
      errorCode,
      errorMessage: message,
      responses: [],
    }),
  },
  async (broker, request) => {
    const { topics, allowReplicationFactorChange } = request
    const moves = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, replicas }) => ({
        topic: name,
        index: partitionIndex,
        replicas,
      })),
    )
    const mayChangeFactor = allowReplicationFactorChange
    const outcomes = await broker.cluster.controller.reassign(moves, { mayChangeFactor })
    let next = 0
    return {
      allowReplicationFactorChange,
      errorCode: errors.NONE,
      errorMessage: null,
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          const outcome = outcomes[next++]
          return {
            partitionIndex,
            errorCode: outcome.ok ? errors.NONE : outcome.error,
            errorMessage: outcome.ok ? null : outcome.message,
          }
        }),
      })),
    }
  },
)
