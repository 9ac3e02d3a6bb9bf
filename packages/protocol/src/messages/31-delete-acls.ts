// DeleteAcls: removes the rules that match filters.
// v1 pattern types (KIP-290) · v2 flexible · v3 the resource type User (KIP-373)
import { array, type Decoded, int8, int16, int32, message, string, struct } from '../schema.ts'

export const deleteAclsRequest = message(
  'DeleteAclsRequest',
  { apiKey: 31, versions: '1-3', flexible: '2+' },
  {
    filters: array(
      struct({
        resourceTypeFilter: int8(),
        resourceNameFilter: string({ nullable: '0+' }),
        patternTypeFilter: int8({ default: 3 }),
        principalFilter: string({ nullable: '0+' }),
        hostFilter: string({ nullable: '0+' }),
        operation: int8(),
        permissionType: int8(),
      }),
    ),
  },
)

export interface DeleteAclsRequest extends Decoded<typeof deleteAclsRequest> {}

export const deleteAclsResponse = message(
  'DeleteAclsResponse',
  { apiKey: 31, versions: '1-3', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    filterResults: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        matchingAcls: array(
          struct({
            errorCode: int16(),
            errorMessage: string({ nullable: '0+' }),
            resourceType: int8(),
            resourceName: string(),
            patternType: int8({ default: 3 }),
            principal: string(),
            host: string(),
            operation: int8(),
            permissionType: int8(),
          }),
        ),
      }),
    ),
  },
)

export interface DeleteAclsResponse extends Decoded<typeof deleteAclsResponse> {}
