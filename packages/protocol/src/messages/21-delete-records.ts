// DeleteRecords: move the start of partitions forward (KIP-107).
// v2 flexible
import {
  array,
  clampedInt64,
  type Decoded,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
} from '../schema.ts'

export const deleteRecordsRequest = message(
  'DeleteRecordsRequest',
  { apiKey: 21, versions: '0-2', flexible: '2+' },
  {
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            offset: clampedInt64(),
          }),
        ),
      }),
    ),
    timeoutMs: int32(),
  },
)

export interface DeleteRecordsRequest extends Decoded<typeof deleteRecordsRequest> {}

export const deleteRecordsResponse = message(
  'DeleteRecordsResponse',
  { apiKey: 21, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            lowWatermark: int64(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
)

export interface DeleteRecordsResponse extends Decoded<typeof deleteRecordsResponse> {}
