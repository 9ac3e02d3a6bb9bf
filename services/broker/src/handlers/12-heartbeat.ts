// Heartbeat
// v1 throttle time · v3 static members (KIP-345) · v4 flexible

import { apis } from '@sluice/protocol/apis'
import { handler } from '../handler.ts'

export const heartbeat = handler(apis.heartbeat, { min: 0, max: 4 }, (broker, request) =>
  broker.groups.heartbeat(request),
)
