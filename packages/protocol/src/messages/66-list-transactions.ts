// ListTransactions: the transactional ids that a broker coordinates (KIP-664).
// v1 by duration (KIP-994) · v2 by pattern (KIP-1152)
import { array, type Decoded, int16, int32, int64, message, string, struct } from '../schema.ts'

export const listTransactionsRequest = message(
  'ListTransactionsRequest',
  { apiKey: 66, versions: '0-2', flexible: '0+' },
  {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ versions: '1+', default: -1 }),
    transactionalIdPattern: string({ versions: '2+', nullable: '0+', default: null }),
  },
)

export interface ListTransactionsRequest extends Decoded<typeof listTransactionsRequest> {}

export const listTransactionsResponse = message(
  'ListTransactionsResponse',
  { apiKey: 66, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array(
      struct({
        transactionalId: string(),
        producerId: int64(),
        transactionState: string(),
      }),
    ),
  },
)

export interface ListTransactionsResponse extends Decoded<typeof listTransactionsResponse> {}
