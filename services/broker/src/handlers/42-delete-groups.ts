// DeleteGroups (KIP-229)
// v2 flexible · v3 error message

import { apis } from '@sluice/protocol/apis'
import { errorText } from '@sluice/protocol/error-texts'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

export const deleteGroups = handler(
  apis.deleteGroups,
  {
    min: 0,
    max: 3,
    failed: ({ groupsNames }, { errorCode, message }) => ({
      results: groupsNames.map((groupId) => ({ groupId, errorCode, errorMessage: message })),
    }),
  },
  async (broker, request) => {
    const groupsNames = [...new Set(request.groupsNames)]
    const outcomes = await broker.groups.deleteGroups(groupsNames)
    return {
      results: outcomes.map((errorCode, index) => ({
        groupId: groupsNames[index],
        errorCode,
        errorMessage: errorCode === errors.NONE ? null : errorText(errorCode),
      })),
    }
  },
)
