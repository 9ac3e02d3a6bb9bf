// JoinGroup: enter a classic group, or a new generation of it; answered when all have joined.
// v1 rebalance time-out (KIP-62) · v2 throttle time · v4 MEMBER_ID_REQUIRED first (KIP-394)
// v5 static members (KIP-345) · v6 flexible · v7 protocol type in the response (KIP-559)
// v8 reason (KIP-800) · v9 the leader may skip assigning (KIP-814)
import {
  array,
  bool,
  bytes,
  type Decoded,
  int16,
  int32,
  message,
  string,
  struct,
} from '../schema.ts'

export const joinGroupRequest = message(
  'JoinGroupRequest',
  { apiKey: 11, versions: '0-9', flexible: '6+' },
  {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: '1+', ignorable: true, default: -1 }),
    memberId: string(),
    groupInstanceId: string({ versions: '5+', nullable: '0+', default: null }),
    protocolType: string(),
    protocols: array(
      struct({
        name: string(),
        metadata: bytes(),
      }),
    ),
    reason: string({ versions: '8+', nullable: '0+', ignorable: true, default: null }),
  },
)

export interface JoinGroupRequest extends Decoded<typeof joinGroupRequest> {}

export const joinGroupResponse = message(
  'JoinGroupResponse',
  { apiKey: 11, versions: '0-9', flexible: '6+' },
  {
    throttleTimeMs: int32({ versions: '2+', ignorable: true, default: 0 }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ versions: '7+', nullable: '0+', ignorable: true, default: null }),
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    skipAssignment: bool({ versions: '9+', default: false }),
    memberId: string(),
    members: array(
      struct({
        memberId: string(),
        groupInstanceId: string({ versions: '5+', nullable: '0+', ignorable: true, default: null }),
        metadata: bytes(),
      }),
    ),
  },
)

export interface JoinGroupResponse extends Decoded<typeof joinGroupResponse> {}
