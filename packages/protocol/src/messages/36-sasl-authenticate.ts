// SaslAuthenticate: one step of a SASL exchange (KIP-152).
// v1 lifetime of the session (KIP-368) · v2 flexible
import { bytes, type Decoded, int16, int64, message, string } from '../schema.ts'

export const saslAuthenticateRequest = message(
  'SaslAuthenticateRequest',
  { apiKey: 36, versions: '0-2', flexible: '2+' },
  {
    authBytes: bytes(),
  },
)

export interface SaslAuthenticateRequest extends Decoded<typeof saslAuthenticateRequest> {}

export const saslAuthenticateResponse = message(
  'SaslAuthenticateResponse',
  { apiKey: 36, versions: '0-2', flexible: '2+' },
  {
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ versions: '1+', ignorable: true, default: 0 }),
  },
)

export interface SaslAuthenticateResponse extends Decoded<typeof saslAuthenticateResponse> {}
