// OffsetCommit: store a group's offsets.
// v3 throttle time · v5 no retention time of its own (KIP-211) · v6 leader epoch (KIP-320)
// v7 static members (KIP-345) · v8 flexible · v9 members of new groups (KIP-848) · v10 topic ids
import {
  array,
  clampedInt64,
  type Decoded,
  int16,
  int32,
  message,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const offsetCommitRequest = message(
  'OffsetCommitRequest',
  { apiKey: 8, versions: '2-10', flexible: '8+' },
  {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ ignorable: true, default: -1 }),
    memberId: string({ ignorable: true }),
    groupInstanceId: string({ versions: '7+', nullable: '0+', default: null }),
    retentionTimeMs: clampedInt64({ versions: '2-4', ignorable: true, default: -1 }),
    topics: array(
      struct({
        name: string({ versions: '0-9', ignorable: true }),
        topicId: uuid({ versions: '10+', ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: clampedInt64(),
            committedLeaderEpoch: int32({ versions: '6+', ignorable: true, default: -1 }),
            committedMetadata: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
  },
)

export interface OffsetCommitRequest extends Decoded<typeof offsetCommitRequest> {}

export const offsetCommitResponse = message(
  'OffsetCommitResponse',
  { apiKey: 8, versions: '2-10', flexible: '8+' },
  {
    throttleTimeMs: int32({ versions: '3+', ignorable: true, default: 0 }),
    topics: array(
      struct({
        name: string({ versions: '0-9', ignorable: true }),
        topicId: uuid({ versions: '10+', ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
)

export interface OffsetCommitResponse extends Decoded<typeof offsetCommitResponse> {}
