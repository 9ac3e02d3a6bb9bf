// ListGroups
// v1 throttle time · v3 flexible · v4 states (KIP-518) · v5 types (KIP-848)

import { apis } from '@sluice/protocol/apis'
import { handler } from '../handler.ts'

export const listGroups = handler(
  apis.listGroups,
  { min: 0, max: 5, failed: (_request, { errorCode }) => ({ errorCode, groups: [] }) },
  (broker, { statesFilter, typesFilter }) =>
    broker.groups.list({ states: statesFilter, types: typesFilter }),
)
