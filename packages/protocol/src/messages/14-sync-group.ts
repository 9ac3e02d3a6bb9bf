// SyncGroup: the leader of a classic group hands in the assignment, every member gets its own.
// v1 throttle time · v3 static members (KIP-345) · v4 flexible
// v5 protocol type and name (KIP-559)
import { array, bytes, type Decoded, int16, int32, message, string, struct } from '../schema.ts'

export const syncGroupRequest = message(
  'SyncGroupRequest',
  { apiKey: 14, versions: '0-5', flexible: '4+' },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '0+', default: null }),
    protocolType: string({ versions: '5+', nullable: '0+', ignorable: true, default: null }),
    protocolName: string({ versions: '5+', nullable: '0+', ignorable: true, default: null }),
    assignments: array(
      struct({
        memberId: string(),
        assignment: bytes(),
      }),
    ),
  },
)

export interface SyncGroupRequest extends Decoded<typeof syncGroupRequest> {}

export const syncGroupResponse = message(
  'SyncGroupResponse',
  { apiKey: 14, versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true, default: 0 }),
    errorCode: int16(),
    protocolType: string({ versions: '5+', nullable: '0+', ignorable: true, default: null }),
    protocolName: string({ versions: '5+', nullable: '0+', ignorable: true, default: null }),
    assignment: bytes(),
  },
)

export interface SyncGroupResponse extends Decoded<typeof syncGroupResponse> {}
