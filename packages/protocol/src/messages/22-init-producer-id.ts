// InitProducerId: a producer id, for an idempotent or transactional producer (KIP-98).
// v2 flexible · v3 an epoch can be resumed (KIP-360) · v4 PRODUCER_FENCED (KIP-588)
// v5 TRANSACTION_ABORTABLE (KIP-890) · v6, unstable in Kafka 4.4 (KIP-939), is left out
import { clampedInt64, type Decoded, int16, int32, int64, message, string } from '../schema.ts'

export const initProducerIdRequest = message(
  'InitProducerIdRequest',
  { apiKey: 22, versions: '0-5', flexible: '2+' },
  {
    transactionalId: string({ nullable: '0+' }),
    transactionTimeoutMs: int32(),
    producerId: clampedInt64({ versions: '3+', default: -1 }),
    producerEpoch: int16({ versions: '3+', default: -1 }),
  },
)

export interface InitProducerIdRequest extends Decoded<typeof initProducerIdRequest> {}

export const initProducerIdResponse = message(
  'InitProducerIdResponse',
  { apiKey: 22, versions: '0-5', flexible: '2+' },
  {
    throttleTimeMs: int32({ ignorable: true, default: 0 }),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
  },
)

export interface InitProducerIdResponse extends Decoded<typeof initProducerIdResponse> {}
