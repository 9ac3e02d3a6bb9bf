// DeleteTopics.
// v3 TOPIC_DELETION_DISABLED · v4 flexible · v5 error message, THROTTLING_QUOTA_EXCEEDED (KIP-599)
// v6 by topic id or by name (KIP-516)
import { array, type Decoded, int16, int32, message, string, struct, uuid } from '../schema.ts'

export const deleteTopicsRequest = message(
  'DeleteTopicsRequest',
  { apiKey: 20, versions: '1-6', flexible: '4+' },
  {
    topics: array(
      struct({
        name: string({ nullable: '0+', default: null }),
        topicId: uuid(),
      }),
      { versions: '6+' },
    ),
    topicNames: array(string(), { versions: '0-5', ignorable: true }),
    timeoutMs: int32(),
  },
)

export interface DeleteTopicsRequest extends Decoded<typeof deleteTopicsRequest> {}

export const deleteTopicsResponse = message(
  'DeleteTopicsResponse',
  { apiKey: 20, versions: '1-6', flexible: '4+' },
  {
    throttleTimeMs: int32({ ignorable: true, default: 0 }),
    responses: array(
      struct({
        name: string({ nullable: '6+' }),
        topicId: uuid({ versions: '6+', ignorable: true }),
        errorCode: int16(),
        errorMessage: string({ versions: '5+', nullable: '0+', ignorable: true, default: null }),
      }),
    ),
  },
)

export interface DeleteTopicsResponse extends Decoded<typeof deleteTopicsResponse> {}
