// DescribeAcls
// There is no authorizer: all may do all, and who asks for rules is told so, as by a Kafka without one.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

export const describeAcls = handler(
  apis.describeAcls,
  {
    min: 1,
    max: 3,
    failed: (_request, { errorCode, message }) => ({
      errorCode,
      errorMessage: message,
      resources: [],
    }),
  },
  () => ({
    errorCode: errors.SECURITY_DISABLED,
    errorMessage: 'No Authorizer is configured on the broker',
    resources: [],
  }),
)
