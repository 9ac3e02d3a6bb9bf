// Who asks the group coordinator, as Kafka's tools show it for a member.

import type { Caller } from '@sluice/core/group/bodies'
import type { RequestContext } from './handler.ts'

export function callerOf({ apiVersion, clientId, remote }: RequestContext): Caller {
  return { apiVersion, clientId, clientHost: `/${remote.host}` }
}
