// OffsetForLeaderEpoch: where an epoch of a partition's leader ended (KIP-101).
// v2 leader epoch (KIP-320) · v3 replica id (KIP-392) · v4 flexible
import { array, type Decoded, int16, int32, int64, message, string, struct } from '../schema.ts'

export const offsetForLeaderEpochRequest = message(
  'OffsetForLeaderEpochRequest',
  { apiKey: 23, versions: '2-4', flexible: '4+' },
  {
    replicaId: int32({ versions: '3+', ignorable: true, default: -2 }),
    topics: array(
      struct({
        topic: string(),
        partitions: array(
          struct({
            partition: int32(),
            currentLeaderEpoch: int32({ ignorable: true, default: -1 }),
            leaderEpoch: int32(),
          }),
        ),
      }),
    ),
  },
)

export interface OffsetForLeaderEpochRequest extends Decoded<typeof offsetForLeaderEpochRequest> {}

export const offsetForLeaderEpochResponse = message(
  'OffsetForLeaderEpochResponse',
  { apiKey: 23, versions: '2-4', flexible: '4+' },
  {
    throttleTimeMs: int32({ ignorable: true, default: 0 }),
    topics: array(
      struct({
        topic: string(),
        partitions: array(
          struct({
            errorCode: int16(),
            partition: int32(),
            leaderEpoch: int32({ ignorable: true, default: -1 }),
            endOffset: int64({ default: -1 }),
          }),
        ),
      }),
    ),
  },
)

export interface OffsetForLeaderEpochResponse
  extends Decoded<typeof offsetForLeaderEpochResponse> {}
