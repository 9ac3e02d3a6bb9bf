// CreateTopics.
// v3 response before throttling · v4 default partitions and replication factor (KIP-464)
// v5 flexible, configs in the response (KIP-525) · v6 THROTTLING_QUOTA_EXCEEDED (KIP-599)
// v7 topic ids (KIP-516)
import {
  array,
  bool,
  type Decoded,
  int8,
  int16,
  int32,
  message,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const createTopicsRequest = message(
  'CreateTopicsRequest',
  { apiKey: 19, versions: '2-7', flexible: '5+' },
  {
    topics: array(
      struct({
        name: string(),
        numPartitions: int32(),
        replicationFactor: int16(),
        assignments: array(
          struct({
            partitionIndex: int32(),
            brokerIds: array(int32()),
          }),
        ),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ default: false }),
  },
)

export interface CreateTopicsRequest extends Decoded<typeof createTopicsRequest> {}

export const createTopicsResponse = message(
  'CreateTopicsResponse',
  { apiKey: 19, versions: '2-7', flexible: '5+' },
  {
    throttleTimeMs: int32({ ignorable: true, default: 0 }),
    topics: array(
      struct({
        name: string(),
        topicId: uuid({ versions: '7+', ignorable: true }),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', ignorable: true }),
        topicConfigErrorCode: int16({ versions: '5+', tag: 0, ignorable: true }),
        numPartitions: int32({ versions: '5+', ignorable: true, default: -1 }),
        replicationFactor: int16({ versions: '5+', ignorable: true, default: -1 }),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '0+' }),
            readOnly: bool(),
            configSource: int8({ ignorable: true, default: -1 }),
            isSensitive: bool(),
          }),
          { versions: '5+', nullable: '0+', ignorable: true },
        ),
      }),
    ),
  },
)

export interface CreateTopicsResponse extends Decoded<typeof createTopicsResponse> {}
