// DescribeLogDirs (KIP-113)
// v2 flexible · v3 error at the top · v4 bytes of the volume (KIP-827) · v5 cordoned directories

import type { Partition } from '@sluice/core/partition/partition'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { DescribeLogDirsRequest } from '@sluice/protocol/messages/35-describe-log-dirs'
import { handler } from '../handler.ts'

export const describeLogDirs = handler(
  apis.describeLogDirs,
  {
    min: 1,
    max: 5,
    failed: (_request, { errorCode }) => ({ errorCode, results: [] }),
  },
  async (broker, request) => {
    const byTopic = new Map<string, PartitionSize[]>()
    for (const partition of broker.partitions) {
      if (!isAsked(request, partition)) continue
      const partitions = byTopic.get(partition.topic) ?? []
      partitions.push({
        partitionIndex: partition.index,
        partitionSize: partition.log.sizeBytes,
        offsetLag: 0,
        isFutureKey: false,
      })
      byTopic.set(partition.topic, partitions)
    }
    const topics = [...byTopic].map(([name, partitions]) => ({ name, partitions }))
    const { dataFolder, host, partitions } = broker
    const errorCode = partitions.failed ? errors.KAFKA_STORAGE_ERROR : 0
    const usableBytes = partitions.failed ? -1 : await host.disk.freeBytes(dataFolder)
    return {
      errorCode: 0,
      results: [{ errorCode, logDir: dataFolder, topics, totalBytes: -1, usableBytes }],
    }
  },
)

interface PartitionSize {
  readonly partitionIndex: number
  readonly partitionSize: number
  readonly offsetLag: number
  readonly isFutureKey: boolean
}

function isAsked({ topics }: DescribeLogDirsRequest, { topic, index }: Partition): boolean {
  if (topics === null) return true
  return topics.some((one) => one.topic === topic && one.partitions.includes(index))
}
