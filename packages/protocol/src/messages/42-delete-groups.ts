// DeleteGroups (KIP-229).
// v2 flexible · v3 error message
import { array, type Decoded, int16, int32, message, string, struct } from '../schema.ts'

export const deleteGroupsRequest = message(
  'DeleteGroupsRequest',
  { apiKey: 42, versions: '0-3', flexible: '2+' },
  {
    groupsNames: array(string()),
  },
)

export interface DeleteGroupsRequest extends Decoded<typeof deleteGroupsRequest> {}

export const deleteGroupsResponse = message(
  'DeleteGroupsResponse',
  { apiKey: 42, versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    results: array(
      struct({
        groupId: string(),
        errorCode: int16(),
        errorMessage: string({ versions: '3+', nullable: '0+', ignorable: true, default: null }),
      }),
    ),
  },
)

export interface DeleteGroupsResponse extends Decoded<typeof deleteGroupsResponse> {}
