// LeaveGroup
// v1 throttle time · v3 several members, static ones (KIP-345) · v4 flexible · v5 reason (KIP-800)

import { apis } from '@sluice/protocol/apis'
import { callerOf } from '../group-caller.ts'
import { handler } from '../handler.ts'

export const leaveGroup = handler(
  apis.leaveGroup,
  { min: 0, max: 5, failed: (_request, { errorCode }) => ({ errorCode }) },
  (broker, request, context) => broker.groups.leave(request, callerOf(context)),
)
