// CreateAcls: adds rules.
// v1 pattern types (KIP-290) · v2 flexible · v3 the resource type User (KIP-373)
import { array, type Decoded, int8, int16, int32, message, string, struct } from '../schema.ts'

export const createAclsRequest = message(
  'CreateAclsRequest',
  { apiKey: 30, versions: '1-3', flexible: '2+' },
  {
    creations: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        resourcePatternType: int8({ default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    ),
  },
)

export interface CreateAclsRequest extends Decoded<typeof createAclsRequest> {}

export const createAclsResponse = message(
  'CreateAclsResponse',
  { apiKey: 30, versions: '1-3', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    results: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
      }),
    ),
  },
)

export interface CreateAclsResponse extends Decoded<typeof createAclsResponse> {}
