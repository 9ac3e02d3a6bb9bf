// AddOffsetsToTxn.
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
