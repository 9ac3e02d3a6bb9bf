// CreatePartitions: add partitions to topics (KIP-195).
// v2 flexible · v3 THROTTLING_QUOTA_EXCEEDED (KIP-599)
import { array, bool, type Decoded, int16, int32, message, string, struct } from '../schema.ts'

export const createPartitionsRequest = message(
  'CreatePartitionsRequest',
  { apiKey: 37, versions: '0-3', flexible: '2+' },
  {
    topics: array(
      struct({
        name: string(),
        count: int32(),
        assignments: array(
          struct({
            brokerIds: array(int32()),
          }),
          { nullable: '0+' },
        ),
      }),
    ),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
)

export interface CreatePartitionsRequest extends Decoded<typeof createPartitionsRequest> {}

export const createPartitionsResponse = message(
  'CreatePartitionsResponse',
  { apiKey: 37, versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    results: array(
      struct({
        name: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
      }),
    ),
  },
)

export interface CreatePartitionsResponse extends Decoded<typeof createPartitionsResponse> {}
