// TxnOffsetCommit: a group's offsets as part of a transaction (KIP-98).
// v2 leader epoch (KIP-320) · v3 flexible, the member (KIP-447)
// v4 TRANSACTION_ABORTABLE (KIP-890)
// v5 adds the offsets to the transaction by itself (KIP-890) · v6 topic ids (KIP-1319)
import {
  array,
  type Decoded,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const txnOffsetCommitRequest = message(
  'TxnOffsetCommitRequest',
  { apiKey: 28, versions: '0-6', flexible: '3+' },
  {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationIdOrMemberEpoch: int32({ versions: '3+', default: -1 }),
    memberId: string({ versions: '3+', default: '' }),
    groupInstanceId: string({ versions: '3+', nullable: '0+', default: null }),
    topics: array(
      struct({
        name: string({ versions: '0-5', ignorable: true }),
        topicId: uuid({ versions: '6+', ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ versions: '2+', ignorable: true, default: -1 }),
            committedMetadata: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
  },
)

export interface TxnOffsetCommitRequest extends Decoded<typeof txnOffsetCommitRequest> {}

export const txnOffsetCommitResponse = message(
  'TxnOffsetCommitResponse',
  { apiKey: 28, versions: '0-6', flexible: '3+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    topics: array(
      struct({
        name: string({ versions: '0-5', ignorable: true }),
        topicId: uuid({ versions: '6+', ignorable: true }),
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

export interface TxnOffsetCommitResponse extends Decoded<typeof txnOffsetCommitResponse> {}
