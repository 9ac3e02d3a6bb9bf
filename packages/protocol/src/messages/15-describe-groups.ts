// DescribeGroups: state and members of classic groups.
// v1 throttle time · v3 authorized operations (KIP-430) · v4 static members (KIP-345) · v5 flexible
// v6 GROUP_ID_NOT_FOUND and a message (KIP-1043)
import {
  array,
  bool,
  bytes,
  type Decoded,
  int16,
  int32,
  message,
  string,
  struct,
} from '../schema.ts'

export const describeGroupsRequest = message(
  'DescribeGroupsRequest',
  { apiKey: 15, versions: '0-6', flexible: '5+' },
  {
    groups: array(string()),
    includeAuthorizedOperations: bool({ versions: '3+' }),
  },
)

export interface DescribeGroupsRequest extends Decoded<typeof describeGroupsRequest> {}

export const describeGroupsResponse = message(
  'DescribeGroupsResponse',
  { apiKey: 15, versions: '0-6', flexible: '5+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true, default: 0 }),
    groups: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ versions: '6+', nullable: '0+', default: null }),
        groupId: string(),
        groupState: string(),
        protocolType: string(),
        protocolData: string(),
        members: array(
          struct({
            memberId: string(),
            groupInstanceId: string({
              versions: '4+',
              nullable: '0+',
              ignorable: true,
              default: null,
            }),
            clientId: string(),
            clientHost: string(),
            memberMetadata: bytes(),
            memberAssignment: bytes(),
          }),
        ),
        authorizedOperations: int32({ versions: '3+', default: -2147483648 }),
      }),
    ),
  },
)

export interface DescribeGroupsResponse extends Decoded<typeof describeGroupsResponse> {}
