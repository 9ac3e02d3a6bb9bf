// The records of __consumer_offsets, byte for byte as Kafka writes them, so that its tools read ours
// and we read its:
//
//   key   version int16 | 0-1: group, topic, partition   -> OffsetCommitValue, null: the offset is gone
//                       | 2: group                       -> GroupMetadataValue, null: the group is gone
//                       | 3 and above: other group types, not served here
//
// Values begin with a version too. An offset is version 3, or 1 where a client set its own expiry; a
// generation is version 3. The id of the offset's topic goes into a header of the record, that a topic of
// the same name made later does not inherit the offset. Kafka 4.1 puts it into version 4 instead, which
// is read here as well; but monitors that read this topic by themselves (Burrow) stop at version 3.

import { DecodeError } from '@sluice/protocol/codec'
import { groupMetadataKey } from '@sluice/protocol/messages/internal/group-metadata-key'
import { groupMetadataValue } from '@sluice/protocol/messages/internal/group-metadata-value'
import { offsetCommitKey } from '@sluice/protocol/messages/internal/offset-commit-key'
import { offsetCommitValue } from '@sluice/protocol/messages/internal/offset-commit-value'
import type { RecordHeader } from '@sluice/protocol/records/record'
import { zeroUuid } from '@sluice/protocol/schema'
import { decodeVersioned, encodeVersioned } from '@sluice/protocol/versioned'
import type { GroupMetadata } from './events.ts'
import type { CommittedOffset } from './offsets.ts'
import type { OffsetsRecord, StoredRecord } from './offsets-log.ts'

const offsetKeyVersion = 1
const groupKeyVersion = 2
const groupValueVersion = 3
const offsetValueVersions = { plain: 3, withExpiry: 1 }
const topicIdHeader = 'sluice.topic.id'
const uuidBytes = 16

export interface OffsetKey {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
}

export interface StoredGroup {
  readonly metadata: GroupMetadata
  readonly stateSinceMs: number
}

export type ReadRecord =
  | { readonly kind: 'offset'; readonly key: OffsetKey; readonly committed: CommittedOffset | null }
  | { readonly kind: 'group'; readonly groupId: string; readonly group: StoredGroup | null }
  | { readonly kind: 'unknown'; readonly why: string }

/** null: a tombstone. */
export function offsetRecord(
  { groupId, topic, partition }: OffsetKey,
  committed: CommittedOffset | null,
  timestamp: number,
): OffsetsRecord {
  const key = encodeVersioned(offsetCommitKey, offsetKeyVersion, {
    group: groupId,
    topic,
    partition,
  })
  if (committed === null) return { key, value: null, timestamp }
  return { key, value: offsetValue(committed), timestamp, headers: headersOf(committed) }
}

/** null: a tombstone. */
export function groupRecord(
  groupId: string,
  group: StoredGroup | null,
  timestamp: number,
): OffsetsRecord {
  const key = encodeVersioned(groupMetadataKey, groupKeyVersion, { group: groupId })
  return { key, value: group && groupValue(group), timestamp }
}

/** What a record says. Its buffers may be reused afterwards: nothing of the answer is a view on them. */
export function readRecord({ key, value, headers }: StoredRecord): ReadRecord {
  if (key === null || key.length < 2) return { kind: 'unknown', why: 'it has no key' }
  const version = key.readInt16BE(0)
  try {
    if (version >= 0 && version <= offsetKeyVersion) return readOffset(key, value, headers)
    if (version === groupKeyVersion) return readGroup(key, value)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { kind: 'unknown', why: error.message }
  }
  return { kind: 'unknown', why: `its key is of version ${version}` }
}

function offsetValue(committed: CommittedOffset): Buffer {
  const { offset, leaderEpoch, metadata, commitTimestampMs, expireTimestampMs } = committed
  const common = { offset, leaderEpoch, metadata, commitTimestamp: commitTimestampMs }
  if (expireTimestampMs === -1) {
    return encodeVersioned(offsetCommitValue, offsetValueVersions.plain, common)
  }
  const value = { ...common, expireTimestamp: expireTimestampMs }
  return encodeVersioned(offsetCommitValue, offsetValueVersions.withExpiry, value)
}

function headersOf({ topicId }: CommittedOffset): readonly RecordHeader[] {
  if (topicId === zeroUuid) return []
  return [{ key: topicIdHeader, value: Buffer.from(topicId, 'base64url') }]
}

function topicIdIn(headers: readonly RecordHeader[]): string {
  const value = headers.find(({ key }) => key === topicIdHeader)?.value
  return value?.length === uuidBytes ? value.toString('base64url') : zeroUuid
}

function groupValue({ metadata, stateSinceMs }: StoredGroup): Buffer {
  return encodeVersioned(groupMetadataValue, groupValueVersion, {
    protocolType: metadata.protocolType,
    generation: metadata.generation,
    protocol: metadata.protocolName,
    leader: metadata.leader,
    currentStateTimestamp: stateSinceMs,
    members: metadata.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  })
}

function readOffset(
  keyBytes: Buffer,
  value: Buffer | null,
  headers: readonly RecordHeader[],
): ReadRecord {
  const { group, topic, partition } = decodeVersioned(offsetCommitKey, keyBytes)
  const key = { groupId: group, topic, partition }
  if (value === null) return { kind: 'offset', key, committed: null }
  const stored = decodeVersioned(offsetCommitValue, value)
  return {
    kind: 'offset',
    key,
    committed: {
      offset: stored.offset,
      leaderEpoch: stored.leaderEpoch,
      metadata: stored.metadata,
      commitTimestampMs: stored.commitTimestamp,
      expireTimestampMs: stored.expireTimestamp,
      topicId: stored.topicId === zeroUuid ? topicIdIn(headers) : stored.topicId,
    },
  }
}

function readGroup(keyBytes: Buffer, value: Buffer | null): ReadRecord {
  const groupId = decodeVersioned(groupMetadataKey, keyBytes).group
  if (value === null) return { kind: 'group', groupId, group: null }
  const stored = decodeVersioned(groupMetadataValue, value)
  const metadata: GroupMetadata = {
    protocolType: stored.protocolType,
    generation: stored.generation,
    protocolName: stored.protocol,
    leader: stored.leader,
    members: stored.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 did not have it: as in JoinGroup v0, the session time-out stands in.
      rebalanceTimeoutMs:
        member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  }
  return { kind: 'group', groupId, group: { metadata, stateSinceMs: stored.currentStateTimestamp } }
}
