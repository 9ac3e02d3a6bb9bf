// FindCoordinator: which broker coordinates a group or a transactional id.
// v1 key type, error message, throttle time · v3 flexible · v4 many keys at once (KIP-699)
// v5 TRANSACTION_ABORTABLE (KIP-890) · v6 share groups (KIP-932)
import { array, type Decoded, int8, int16, int32, message, string, struct } from '../schema.ts'

export const findCoordinatorRequest = message(
  'FindCoordinatorRequest',
  { apiKey: 10, versions: '0-6', flexible: '3+' },
  {
    key: string({ versions: '0-3' }),
    keyType: int8({ versions: '1+', default: 0 }),
    coordinatorKeys: array(string(), { versions: '4+' }),
  },
)

export interface FindCoordinatorRequest extends Decoded<typeof findCoordinatorRequest> {}

export const findCoordinatorResponse = message(
  'FindCoordinatorResponse',
  { apiKey: 10, versions: '0-6', flexible: '3+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true, default: 0 }),
    errorCode: int16({ versions: '0-3' }),
    errorMessage: string({ versions: '1-3', nullable: '0+', ignorable: true }),
    nodeId: int32({ versions: '0-3' }),
    host: string({ versions: '0-3' }),
    port: int32({ versions: '0-3' }),
    coordinators: array(
      struct({
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', ignorable: true }),
      }),
      { versions: '4+' },
    ),
  },
)

export interface FindCoordinatorResponse extends Decoded<typeof findCoordinatorResponse> {}
