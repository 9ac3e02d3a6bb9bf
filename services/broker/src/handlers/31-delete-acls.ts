// DeleteAcls
// There is no authorizer, and so there are no rules: as a Kafka without one says.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { DeleteAclsRequest } from '@sluice/protocol/messages/31-delete-acls'
import { type Failure, handler } from '../handler.ts'

const disabled = {
  errorCode: errors.SECURITY_DISABLED,
  message: 'No Authorizer is configured.',
}

export const deleteAcls = handler(
  apis.deleteAcls,
  { min: 1, max: 3, failed: allFailed },
  (_broker, request) => allFailed(request, disabled),
)

function allFailed({ filters }: DeleteAclsRequest, { errorCode, message }: Failure) {
  const filterResults = filters.map(() => ({ errorCode, errorMessage: message, matchingAcls: [] }))
  return { filterResults }
}
