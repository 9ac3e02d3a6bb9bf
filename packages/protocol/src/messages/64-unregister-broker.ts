// UnregisterBroker: forget a broker that will not come back.
import { type Decoded, int16, int32, message, string } from '../schema.ts'

export const unregisterBrokerRequest = message(
  'UnregisterBrokerRequest',
  { apiKey: 64, versions: '0', flexible: '0+' },
  { brokerId: int32() },
)

export interface UnregisterBrokerRequest extends Decoded<typeof unregisterBrokerRequest> {}

export const unregisterBrokerResponse = message(
  'UnregisterBrokerResponse',
  { apiKey: 64, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
  },
)

export interface UnregisterBrokerResponse extends Decoded<typeof unregisterBrokerResponse> {}
