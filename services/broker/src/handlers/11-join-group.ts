// JoinGroup
// v1 rebalance time-out · v2 throttle time · v4 MEMBER_ID_REQUIRED (KIP-394) · v5 static members (KIP-345)
// v6 flexible · v7 protocol type (KIP-559) · v8 reason (KIP-800) · v9 skip assignment (KIP-814)

import { apis } from '@sluice/protocol/apis'
import { callerOf } from '../group-caller.ts'
import { handler } from '../handler.ts'

export const joinGroup = handler(
  apis.joinGroup,
  {
    min: 0,
    max: 9,
    failed: ({ memberId }, { errorCode }, version) => ({
      errorCode,
      protocolName: version < 7 ? '' : null,
      leader: '',
      memberId,
      members: [],
    }),
  },
  (broker, request, context) => broker.groups.join(request, callerOf(context)),
)
