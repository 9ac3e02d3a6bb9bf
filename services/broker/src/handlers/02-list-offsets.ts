// ListOffsets
// v0 a list of offsets · v1 one (KIP-79)
// v2 isolation level · v4 leader epochs (KIP-320) · v6 flexible · v7 max timestamp (KIP-734)
// v8 local log (KIP-405) · v9 tiered · v10 time-out of remote look-ups · v11 earliest pending upload
//
// Kafka 4 has no v0 any more, and here it is not advertised either. It is served for clients that ask for
// it without looking first: Burrow finds the ends of all partitions with it. By a time Kafka gave the start
// of a segment in that list; we give the offset.

import type { Partition } from '@sluice/core/partition/partition'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { ListOffsetsRequest } from '@sluice/protocol/messages/02-list-offsets'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { findPartition } from '../lookup.ts'

/** Instead of a time. Nothing is tiered here: the local log is all there is. */
const ask = {
  latest: -1,
  earliest: -2,
  maxTimestamp: -3,
  earliestLocal: -4,
  latestTiered: -5,
  earliestPendingUpload: -6,
} as const

/** The version in which each became askable. */
const askableSince: Readonly<Record<number, number>> = {
  [ask.latest]: 0,
  [ask.earliest]: 0,
  [ask.maxTimestamp]: 7,
  [ask.earliestLocal]: 8,
  [ask.latestTiered]: 9,
  [ask.earliestPendingUpload]: 11,
}

const readCommitted = 1

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number]

interface Found {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

export const listOffsets = handler(
  apis.listOffsets,
  {
    min: 0,
    max: 11,
    advertisedMin: 1,
    failed: (request, { errorCode }) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((asked) => none(asked, errorCode)),
      })),
    }),
  },
  async (broker, request, { apiVersion }) => {
    const committed = request.isolationLevel === readCommitted
    const topics = request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map((asked) => {
          if (isTwice(asked, partitions)) return none(asked, errors.INVALID_REQUEST)
          if (!isAskable(asked, apiVersion)) return none(asked, errors.UNSUPPORTED_VERSION)
          return find(broker, name, asked, committed)
        }),
      ),
    }))
    const found = await Promise.all(topics)
    if (apiVersion === 0) return { topics: found.map(asLists) }
    return { topics: apiVersion >= 4 ? found : found.map(withoutEpochs) }
  },
)

/** Version 0 has no -1 for what is not there. */
function asLists({ name, partitions }: { name: string; partitions: Found[] }) {
  const asList = ({ partitionIndex, errorCode, offset }: Found) => ({
    partitionIndex,
    errorCode,
    oldStyleOffsets: offset === -1 ? [] : [offset],
  })
  return { name, partitions: partitions.map(asList) }
}

/** Versions before 4 cannot say an epoch. */
function withoutEpochs({ name, partitions }: { name: string; partitions: Found[] }) {
  return { name, partitions: partitions.map((one) => ({ ...one, leaderEpoch: -1 })) }
}

function isTwice({ partitionIndex }: Asked, all: readonly Asked[]): boolean {
  return all.filter((one) => one.partitionIndex === partitionIndex).length > 1
}

function isAskable({ timestamp }: Asked, apiVersion: number): boolean {
  return timestamp >= 0 || apiVersion >= (askableSince[timestamp] ?? Number.POSITIVE_INFINITY)
}

async function find(
  broker: Broker,
  name: string,
  asked: Asked,
  committed: boolean,
): Promise<Found> {
  const partition = findPartition(broker, { name, topicId: zeroUuid }, asked.partitionIndex)
  if (typeof partition === 'number') return none(asked, partition)
  if (partition.offline) return none(asked, errors.KAFKA_STORAGE_ERROR)
  const fenced = partition.checkEpoch(asked.currentLeaderEpoch)
  if (fenced !== 0) return none(asked, fenced)
  const end = committed ? partition.lastStableOffset : partition.highWatermark
  switch (asked.timestamp) {
    case ask.latest:
      return at(asked, { offset: end, leaderEpoch: partition.leaderEpoch })
    case ask.earliest:
    case ask.earliestLocal:
      return at(asked, { offset: partition.log.startOffset, leaderEpoch: epochAtStart(partition) })
    case ask.latestTiered:
    case ask.earliestPendingUpload:
      return none(asked, 0)
    default:
      try {
        return await byTime(partition, asked, end)
      } catch (cause) {
        broker.host.logger.error({ topic: name, index: partition.index, cause }, 'a search failed')
        return none(asked, partition.readFailed(cause))
      }
  }
}

async function byTime(partition: Partition, asked: Asked, end: number): Promise<Found> {
  const { log } = partition
  const found =
    asked.timestamp === ask.maxTimestamp
      ? await log.maxTimestamp()
      : await log.offsetForTimestamp(asked.timestamp)
  // What is not committed is not there yet.
  if (!found || found.offset >= end) return none(asked, 0)
  const { offset, timestampMs, leaderEpoch } = found
  return {
    partitionIndex: asked.partitionIndex,
    errorCode: 0,
    timestamp: timestampMs,
    offset,
    leaderEpoch,
  }
}

/** The epoch of the first record; that of the next one where there is none. */
function epochAtStart({ log, leaderEpoch }: Partition): number {
  return log.startOffset < log.endOffset ? log.epochAt(log.startOffset) : leaderEpoch
}

function at(asked: Asked, { offset, leaderEpoch }: { offset: number; leaderEpoch: number }): Found {
  return { partitionIndex: asked.partitionIndex, errorCode: 0, timestamp: -1, offset, leaderEpoch }
}

function none(asked: Asked, errorCode: number): Found {
  return {
    partitionIndex: asked.partitionIndex,
    errorCode,
    timestamp: -1,
    offset: -1,
    leaderEpoch: -1,
  }
}
