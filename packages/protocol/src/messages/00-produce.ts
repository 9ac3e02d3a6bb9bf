// Produce: append record batches to partitions. Answered by the leader; not answered for acks=0.
// v4 KAFKA_STORAGE_ERROR · v5 log start offset · v7 zstd (KIP-110) · v8 errors per record (KIP-467)
// v9 flexible · v10 current leader and its address (KIP-951) · v11 TRANSACTION_ABORTABLE (KIP-890)
// v12 adds partitions to the transaction by itself (KIP-890) · v13 topic ids (KIP-516)
// A broker advertises it from 0 all the same: see KAFKA-18659.
import {
  array,
  type Decoded,
  int16,
  int32,
  int64,
  message,
  records,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const produceRequest = message(
  'ProduceRequest',
  { apiKey: 0, versions: '3-13', flexible: '9+' },
  {
    transactionalId: string({ nullable: '0+', default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array(
      struct({
        name: string({ versions: '0-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitionData: array(
          struct({
            index: int32(),
            records: records(),
          }),
        ),
      }),
    ),
  },
)

export interface ProduceRequest extends Decoded<typeof produceRequest> {}

export const produceResponse = message(
  'ProduceResponse',
  { apiKey: 0, versions: '3-13', flexible: '9+' },
  {
    responses: array(
      struct({
        name: string({ versions: '0-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitionResponses: array(
          struct({
            index: int32(),
            errorCode: int16(),
            baseOffset: int64(),
            logAppendTimeMs: int64({ ignorable: true, default: -1 }),
            logStartOffset: int64({ versions: '5+', ignorable: true, default: -1 }),
            recordErrors: array(
              struct({
                batchIndex: int32(),
                batchIndexErrorMessage: string({ nullable: '0+', default: null }),
              }),
              { versions: '8+', ignorable: true },
            ),
            errorMessage: string({
              versions: '8+',
              nullable: '0+',
              ignorable: true,
              default: null,
            }),
            currentLeader: struct(
              {
                leaderId: int32({ default: -1 }),
                leaderEpoch: int32({ default: -1 }),
              },
              { versions: '10+', tag: 0 },
            ),
          }),
        ),
      }),
    ),
    throttleTimeMs: int32({ ignorable: true, default: 0 }),
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: '0+', default: null }),
      }),
      { versions: '10+', tag: 0 },
    ),
  },
)

export interface ProduceResponse extends Decoded<typeof produceResponse> {}
