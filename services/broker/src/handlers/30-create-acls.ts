// CreateAcls
// There is no authorizer: who makes a rule must not believe that it holds. As a Kafka without one says.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { CreateAclsRequest } from '@sluice/protocol/messages/30-create-acls'
import { type Failure, handler } from '../handler.ts'

const disabled = {
  errorCode: errors.SECURITY_DISABLED,
  message: 'No Authorizer is configured.',
}

export const createAcls = handler(
  apis.createAcls,
  { min: 1, max: 3, failed: allFailed },
  (_broker, request) => allFailed(request, disabled),
)

function allFailed({ creations }: CreateAclsRequest, { errorCode, message }: Failure) {
  return { results: creations.map(() => ({ errorCode, errorMessage: message })) }
}
