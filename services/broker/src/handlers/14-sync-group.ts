// SyncGroup
// v1 throttle time · v3 static members (KIP-345) · v4 flexible · v5 protocol type and name (KIP-559)

import { apis } from '@sluice/protocol/apis'
import { handler } from '../handler.ts'

export const syncGroup = handler(
  apis.syncGroup,
  {
    min: 0,
    max: 5,
    failed: (_request, { errorCode }) => ({ errorCode, assignment: Buffer.alloc(0) }),
  },
  (broker, request) => broker.groups.sync(request),
)
