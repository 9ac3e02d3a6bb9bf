// ListOffsets: the offset that belongs to a timestamp, or the start or end of a partition.
// v0 where segments begin, gone from Kafka 4 (KIP-896) · v1 the offset of a record (KIP-79)
// v2 isolation level · v4 leader epoch (KIP-320) · v5 OFFSET_NOT_AVAILABLE (KIP-207) · v6 flexible
// v7 of the greatest timestamp (KIP-734) · v8 local start (KIP-405) · v9 last tiered (KIP-1005)
// v10 a time-out, for answers from the tier (KIP-1075) · v11 first not yet tiered (KIP-1023)
import {
  array,
  clampedInt64,
  type Decoded,
  int8,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
} from '../schema.ts'

export const listOffsetsRequest = message(
  'ListOffsetsRequest',
  { apiKey: 2, versions: '0-11', flexible: '6+' },
  {
    replicaId: int32(),
    isolationLevel: int8({ versions: '2+' }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            currentLeaderEpoch: int32({ versions: '4+', ignorable: true, default: -1 }),
            timestamp: clampedInt64(),
            maxNumOffsets: int32({ versions: '0', default: 1 }),
          }),
        ),
      }),
    ),
    timeoutMs: int32({ versions: '10+', ignorable: true }),
  },
)

export interface ListOffsetsRequest extends Decoded<typeof listOffsetsRequest> {}

export const listOffsetsResponse = message(
  'ListOffsetsResponse',
  { apiKey: 2, versions: '0-11', flexible: '6+' },
  {
    throttleTimeMs: int32({ versions: '2+', ignorable: true, default: 0 }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            oldStyleOffsets: array(int64(), { versions: '0', ignorable: true }),
            timestamp: int64({ versions: '1+', ignorable: true, default: -1 }),
            offset: int64({ versions: '1+', ignorable: true, default: -1 }),
            leaderEpoch: int32({ versions: '4+', default: -1 }),
          }),
        ),
      }),
    ),
  },
)

export interface ListOffsetsResponse extends Decoded<typeof listOffsetsResponse> {}
