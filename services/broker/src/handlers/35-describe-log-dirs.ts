// DescribeLogDirs (KIP-113): every folder of log.dirs, those whose disk failed with an error of their own
// v2 flexible · v3 error at the top · v4 bytes of the volume (KIP-827) · v5 cordoned directories

import type { Log } from '@sluice/core/log/log'
import type { LogDir } from '@sluice/core/log/log-dir'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { DescribeLogDirsRequest } from '@sluice/protocol/messages/35-describe-log-dirs'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

export const describeLogDirs = handler(
  apis.describeLogDirs,
  {
    min: 1,
    max: 5,
    failed: (_request, { errorCode }) => ({ errorCode, results: [] }),
  },
  async (broker, request) => {
    const isAsked = askedFor(request)
    return {
      errorCode: 0,
      results: await Promise.all(
        broker.logManager.dirs.map((dir) => describe(broker, dir, isAsked)),
      ),
    }
  },
)

/** Whether a log is asked about. No list at all asks about every one. */
function askedFor({ topics }: DescribeLogDirsRequest): (log: Log) => boolean {
  if (topics === null) return () => true
  const asked = new Map<string, Set<number>>()
  for (const { topic, partitions } of topics) {
    asked.set(topic, new Set([...(asked.get(topic) ?? []), ...partitions]))
  }
  return ({ topic, partition }) => asked.get(topic)?.has(partition) ?? false
}

async function describe(broker: Broker, dir: LogDir, isAsked: (log: Log) => boolean) {
  const { host } = broker
  const offline = { errorCode: errors.KAFKA_STORAGE_ERROR, logDir: dir.path, topics: [] }
  if (dir.failure !== undefined) return offline
  try {
    const { totalBytes, usableBytes } = await host.disk.volume(dir.path)
    return {
      errorCode: 0,
      logDir: dir.path,
      topics: sizes(broker, dir, isAsked),
      totalBytes,
      usableBytes,
    }
  } catch (cause) {
    host.logger.error({ folder: dir.path, cause }, 'log directory cannot be described')
    return offline
  }
}

function sizes({ logManager }: Broker, dir: LogDir, isAsked: (log: Log) => boolean) {
  const byTopic = new Map<string, ReturnType<typeof size>[]>()
  for (const log of dir.logs) {
    if (!isAsked(log)) continue
    const partitions = byTopic.get(log.topic) ?? []
    byTopic.set(log.topic, partitions)
    partitions.push(size(log, logManager.futures.currentOf(log)))
  }
  return [...byTopic].map(([name, partitions]) => ({ name, partitions }))
}

/** A copy that is to take the place of `current` lags behind it. */
function size({ partition, sizeBytes, endOffset }: Log, current: Log | undefined) {
  return {
    partitionIndex: partition,
    partitionSize: sizeBytes,
    offsetLag: current === undefined ? 0 : Math.max(0, current.endOffset - endOffset),
    isFutureKey: current !== undefined,
  }
}
