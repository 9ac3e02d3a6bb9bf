// Heartbeat: a member of a classic group is alive.
// v1 throttle time · v3 static members (KIP-345) · v4 flexible
import { type Decoded, int16, int32, message, string } from '../schema.ts'

export const heartbeatRequest = message(
  'HeartbeatRequest',
  { apiKey: 12, versions: '0-4', flexible: '4+' },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '0+', default: null }),
  },
)

export interface HeartbeatRequest extends Decoded<typeof heartbeatRequest> {}

export const heartbeatResponse = message(
  'HeartbeatResponse',
  { apiKey: 12, versions: '0-4', flexible: '4+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true, default: 0 }),
    errorCode: int16(),
  },
)

export interface HeartbeatResponse extends Decoded<typeof heartbeatResponse> {}
