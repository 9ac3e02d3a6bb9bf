// AlterReplicaLogDirs (KIP-113)
// v2 flexible. Answered when the move has begun; DescribeLogDirs shows the copy until it takes the log's
// place. A replica that is not here yet will be made in that directory; the answer is an error all the same, as
// in Kafka: REPLICA_NOT_AVAILABLE, or UNKNOWN_TOPIC_OR_PARTITION where the cluster does not know it either.

import { DiskError } from '@sluice/core/host/disk'
import { futureFolderName } from '@sluice/core/log/file-names'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { AlterReplicaLogDirsRequest } from '@sluice/protocol/messages/34-alter-replica-log-dirs'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

/** Stands for the id in a copy's folder name, which is always so long: names that do not fit are refused. */
const anyUnique = '0'.repeat(32)

interface Asked {
  readonly topic: string
  readonly partition: number
  readonly path: string
}

export const alterReplicaLogDirs = handler(
  apis.alterReplicaLogDirs,
  {
    min: 1,
    max: 2,
    failed: (request, { errorCode }) => ({
      results: byTopic(askedBy(request).map((asked) => ({ ...asked, errorCode }))),
    }),
  },
  async (broker, request) => {
    const outcomes: (Asked & { errorCode: number })[] = []
    for (const asked of askedBy(request)) {
      outcomes.push({ ...asked, errorCode: await move(broker, asked) })
    }
    return { results: byTopic(outcomes) }
  },
)

/** A partition that is named twice goes to the directory that is named last. */
function askedBy({ dirs }: AlterReplicaLogDirsRequest): Asked[] {
  const asked = new Map<string, Asked>()
  for (const { path, topics } of dirs) {
    for (const { name, partitions } of topics) {
      for (const partition of partitions) {
        asked.set(`${name}-${partition}`, { topic: name, partition, path })
      }
    }
  }
  return [...asked.values()]
}

async function move(broker: Broker, { topic, partition: index, path }: Asked): Promise<number> {
  const { logManager, dirMoves, partitions, cluster } = broker
  const tooLong = futureFolderName(topic, index, anyUnique) === undefined
  if (tooLong) return errors.INVALID_TOPIC_EXCEPTION
  const dir = logManager.dirAt(path)
  if (dir === undefined) return errors.LOG_DIR_NOT_FOUND
  if (dir.failure !== undefined) return errors.KAFKA_STORAGE_ERROR
  const partition = partitions.get(topic, index)
  const known = cluster.image.topic(topic)
  if (known !== undefined && partitions.isOffline(known.id, index)) {
    return errors.KAFKA_STORAGE_ERROR
  }
  if (partition === undefined) {
    logManager.prefer({ topic, partition: index }, dir)
    const inCluster = known?.partitions[index] !== undefined
    return inCluster ? errors.REPLICA_NOT_AVAILABLE : errors.UNKNOWN_TOPIC_OR_PARTITION
  }
  try {
    await dirMoves.start(partition, dir)
    return 0
  } catch (cause) {
    if (!(cause instanceof DiskError)) throw cause
    broker.host.logger.error({ topic, partition: index, path, cause }, 'log cannot be moved')
    return errors.KAFKA_STORAGE_ERROR
  }
}

function byTopic(outcomes: readonly (Asked & { errorCode: number })[]) {
  const topics = new Map<string, { partitionIndex: number; errorCode: number }[]>()
  for (const { topic, partition, errorCode } of outcomes) {
    const partitions = topics.get(topic) ?? []
    topics.set(topic, partitions)
    partitions.push({ partitionIndex: partition, errorCode })
  }
  return [...topics].map(([topicName, partitions]) => ({ topicName, partitions }))
}
