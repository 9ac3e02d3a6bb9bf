// DescribeTransactions: the state of transactional ids (KIP-664).
import { array, type Decoded, int16, int32, int64, message, string, struct } from '../schema.ts'

export const describeTransactionsRequest = message(
  'DescribeTransactionsRequest',
  { apiKey: 65, versions: '0', flexible: '0+' },
  {
    transactionalIds: array(string()),
  },
)

export interface DescribeTransactionsRequest extends Decoded<typeof describeTransactionsRequest> {}

export const describeTransactionsResponse = message(
  'DescribeTransactionsResponse',
  { apiKey: 65, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    transactionStates: array(
      struct({
        errorCode: int16(),
        transactionalId: string(),
        transactionState: string(),
        transactionTimeoutMs: int32(),
        transactionStartTimeMs: int64(),
        producerId: int64(),
        producerEpoch: int16(),
        topics: array(
          struct({
            topic: string(),
            partitions: array(int32()),
          }),
        ),
      }),
    ),
  },
)

export interface DescribeTransactionsResponse
  extends Decoded<typeof describeTransactionsResponse> {}
