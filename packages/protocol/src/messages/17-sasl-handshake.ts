// SaslHandshake: choose a SASL mechanism. Never flexible (KAFKA-9577).
// v1 tokens then travel in SaslAuthenticate (KIP-152)
import { array, type Decoded, int16, message, string } from '../schema.ts'

export const saslHandshakeRequest = message(
  'SaslHandshakeRequest',
  { apiKey: 17, versions: '0-1', flexible: 'none' },
  {
    mechanism: string(),
  },
)

export interface SaslHandshakeRequest extends Decoded<typeof saslHandshakeRequest> {}

export const saslHandshakeResponse = message(
  'SaslHandshakeResponse',
  { apiKey: 17, versions: '0-1', flexible: 'none' },
  {
    errorCode: int16(),
    mechanisms: array(string()),
  },
)

export interface SaslHandshakeResponse extends Decoded<typeof saslHandshakeResponse> {}
