// OffsetDelete: forget a group's offsets of partitions (KIP-496). Never flexible.
import { array, type Decoded, int16, int32, message, string, struct } from '../schema.ts'

export const offsetDeleteRequest = message(
  'OffsetDeleteRequest',
  { apiKey: 47, versions: '0', flexible: 'none' },
  {
    groupId: string(),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
          }),
        ),
      }),
    ),
  },
)

export interface OffsetDeleteRequest extends Decoded<typeof offsetDeleteRequest> {}

export const offsetDeleteResponse = message(
  'OffsetDeleteResponse',
  { apiKey: 47, versions: '0', flexible: 'none' },
  {
    errorCode: int16(),
    throttleTimeMs: int32({ ignorable: true, default: 0 }),
    topics: array(
      struct({
        name: string(),
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

export interface OffsetDeleteResponse extends Decoded<typeof offsetDeleteResponse> {}
