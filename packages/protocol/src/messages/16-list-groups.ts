// ListGroups: the groups that a broker coordinates.
// v1 throttle time · v3 flexible · v4 states (KIP-518) · v5 types (KIP-848)
import { array, type Decoded, int16, int32, message, string, struct } from '../schema.ts'

export const listGroupsRequest = message(
  'ListGroupsRequest',
  { apiKey: 16, versions: '0-5', flexible: '3+' },
  {
    statesFilter: array(string(), { versions: '4+' }),
    typesFilter: array(string(), { versions: '5+' }),
  },
)

export interface ListGroupsRequest extends Decoded<typeof listGroupsRequest> {}

export const listGroupsResponse = message(
  'ListGroupsResponse',
  { apiKey: 16, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true, default: 0 }),
    errorCode: int16(),
    groups: array(
      struct({
        groupId: string(),
        protocolType: string(),
        groupState: string({ versions: '4+', ignorable: true }),
        groupType: string({ versions: '5+', ignorable: true }),
      }),
    ),
  },
)

export interface ListGroupsResponse extends Decoded<typeof listGroupsResponse> {}
