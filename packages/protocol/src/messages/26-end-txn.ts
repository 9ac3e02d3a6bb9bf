// EndTxn: commit or abort (KIP-98).
// v2 PRODUCER_FENCED (KIP-588) · v3 flexible · v4 TRANSACTION_ABORTABLE (KIP-890)
// v5 the epoch moves with every transaction and is given back (KIP-890)
import { bool, type Decoded, int16, int32, int64, message, string } from '../schema.ts'

export const endTxnRequest = message(
  'EndTxnRequest',
  { apiKey: 26, versions: '0-5', flexible: '3+' },
  {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
)

export interface EndTxnRequest extends Decoded<typeof endTxnRequest> {}

export const endTxnResponse = message(
  'EndTxnResponse',
  { apiKey: 26, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerId: int64({ versions: '5+', ignorable: true, default: -1 }),
    producerEpoch: int16({ versions: '5+', ignorable: true, default: -1 }),
  },
)

export interface EndTxnResponse extends Decoded<typeof endTxnResponse> {}
