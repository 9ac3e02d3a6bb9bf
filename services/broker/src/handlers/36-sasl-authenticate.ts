// SaslAuthenticate
// v1 session lifetime (KIP-368) · v2 flexible. No listener authenticates yet.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

const nothing = Buffer.alloc(0)
const wrongState =
  'SaslAuthenticate request received after successful authentication or on a listener without SASL'

export const saslAuthenticate = handler(
  apis.saslAuthenticate,
  {
    min: 0,
    max: 2,
    failed: (_request, { errorCode, message }) => ({
      errorCode,
      errorMessage: message,
      authBytes: nothing,
    }),
  },
  () => ({ errorCode: errors.ILLEGAL_SASL_STATE, errorMessage: wrongState, authBytes: nothing }),
)
