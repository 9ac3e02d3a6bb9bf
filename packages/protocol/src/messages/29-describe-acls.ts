// DescribeAcls: the rules that match a filter.
// v1 pattern types (KIP-290) · v2 flexible · v3 the resource type User (KIP-373)
import { array, type Decoded, int8, int16, int32, message, string, struct } from '../schema.ts'

export const describeAclsRequest = message(
  'DescribeAclsRequest',
  { apiKey: 29, versions: '1-3', flexible: '2+' },
  {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: '0+' }),
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: string({ nullable: '0+' }),
    hostFilter: string({ nullable: '0+' }),
    operation: int8(),
    permissionType: int8(),
  },
)

export interface DescribeAclsRequest extends Decoded<typeof describeAclsRequest> {}

export const describeAclsResponse = message(
  'DescribeAclsResponse',
  { apiKey: 29, versions: '1-3', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ default: 3 }),
        acls: array(
          struct({
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

export interface DescribeAclsResponse extends Decoded<typeof describeAclsResponse> {}
