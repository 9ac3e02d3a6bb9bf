// SyncGroup
// v1 throttle time · v3 static members (KIP-345) · v4 flexible · v5 protocol type and name (KIP-559)

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

/** From here on a member says which protocol it believes in. */
const protocolSince = 5

export const syncGroup = handler(
  apis.syncGroup,
  {
    min: 0,
    max: 5,
    failed: (_request, { errorCode }) => refused(errorCode),
  },
  (broker, request, { apiVersion }) => {
    const { protocolType, protocolName } = request
    const isWhole = protocolType !== null && protocolName !== null
    if (apiVersion >= protocolSince && !isWhole) return refused(errors.INCONSISTENT_GROUP_PROTOCOL)
    return broker.groups.sync(request)
  },
)

function refused(errorCode: number) {
  return { errorCode, assignment: Buffer.alloc(0) }
}
