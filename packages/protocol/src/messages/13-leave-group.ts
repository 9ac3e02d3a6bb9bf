// LeaveGroup: take members out of a classic group.
// v1 throttle time · v3 several members, static ones too (KIP-345) · v4 flexible
// v5 reason (KIP-800)
import { array, type Decoded, int16, int32, message, string, struct } from '../schema.ts'

export const leaveGroupRequest = message(
  'LeaveGroupRequest',
  { apiKey: 13, versions: '0-5', flexible: '4+' },
  {
    groupId: string(),
    memberId: string({ versions: '0-2' }),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ nullable: '0+', default: null }),
        reason: string({ versions: '5+', nullable: '0+', ignorable: true, default: null }),
      }),
      { versions: '3+' },
    ),
  },
)

export interface LeaveGroupRequest extends Decoded<typeof leaveGroupRequest> {}

export const leaveGroupResponse = message(
  'LeaveGroupResponse',
  { apiKey: 13, versions: '0-5', flexible: '4+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true, default: 0 }),
    errorCode: int16(),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ nullable: '0+' }),
        errorCode: int16(),
      }),
      { versions: '3+' },
    ),
  },
)

export interface LeaveGroupResponse extends Decoded<typeof leaveGroupResponse> {}
