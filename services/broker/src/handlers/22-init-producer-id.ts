// InitProducerId
// v2 flexible · v3 producer id and epoch to go on with (KIP-360) · v4 PRODUCER_FENCED · v5 KIP-890
//
// Idempotent producers only. A transactional id is refused with the one code that Java's client and
// librdkafka both take for final, so that they fail at once instead of asking again.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

export const initProducerId = handler(
  apis.initProducerId,
  { min: 0, max: 5 },
  (broker, request) => {
    const { transactionalId, producerId, producerEpoch } = request
    if (transactionalId === '') return refused(errors.INVALID_REQUEST)
    if (transactionalId !== null) return refused(errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    // Both or none: an idempotent producer that lost its place gets a new id either way.
    if ((producerId === -1) !== (producerEpoch === -1)) return refused(errors.INVALID_REQUEST)
    return broker.producerIds
      .take()
      .then((id) => ({ errorCode: 0, producerId: id, producerEpoch: 0 }))
  },
)

function refused(errorCode: number) {
  return { errorCode, producerId: -1, producerEpoch: -1 }
}
