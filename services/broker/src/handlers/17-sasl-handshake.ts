// SaslHandshake
// No listener authenticates yet: whoever begins SASL on a PLAINTEXT one is told so, as Kafka does.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

export const saslHandshake = handler(
  apis.saslHandshake,
  { min: 0, max: 1, failed: (_request, { errorCode }) => ({ errorCode, mechanisms: [] }) },
  () => ({ errorCode: errors.ILLEGAL_SASL_STATE, mechanisms: [] }),
)
