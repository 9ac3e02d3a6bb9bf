// AddOffsetsToTxn: a group whose offsets a transaction is about to commit (KIP-98).
// v2 PRODUCER_FENCED (KIP-588) · v3 flexible · v4 TRANSACTION_ABORTABLE (KIP-890)
import { type Decoded, int16, int32, int64, message, string } from '../schema.ts'

export const addOffsetsToTxnRequest = message(
  'AddOffsetsToTxnRequest',
  { apiKey: 25, versions: '0-4', flexible: '3+' },
  {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
)

export interface AddOffsetsToTxnRequest extends Decoded<typeof addOffsetsToTxnRequest> {}

export const addOffsetsToTxnResponse = message(
  'AddOffsetsToTxnResponse',
  { apiKey: 25, versions: '0-4', flexible: '3+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
  },
)

export interface AddOffsetsToTxnResponse extends Decoded<typeof addOffsetsToTxnResponse> {}
