// DescribeGroups
// v1 throttle time · v3 authorized operations (KIP-430) · v4 static members (KIP-345) · v5 flexible
// v6 GROUP_ID_NOT_FOUND with a message (KIP-1043)

import { undescribedGroup } from '@sluice/core/group/bodies'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { callerOf } from '../group-caller.ts'
import { handler } from '../handler.ts'
import { groupOperations, operationsOmitted } from '../lookup.ts'

export const describeGroups = handler(
  apis.describeGroups,
  {
    min: 0,
    max: 6,
    failed: (request, { errorCode }) => ({
      groups: request.groups.map((groupId) => undescribedGroup(groupId, errorCode)),
    }),
  },
  (broker, request, context) => {
    const operations = request.includeAuthorizedOperations ? groupOperations : operationsOmitted
    const groups = broker.groups.describe(request.groups, callerOf(context))
    return {
      groups: groups.map((group) => ({
        ...group,
        authorizedOperations: group.errorCode === errors.NONE ? operations : operationsOmitted,
      })),
    }
  },
)
