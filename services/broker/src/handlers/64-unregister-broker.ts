// UnregisterBroker: forgets a broker that will not come back. One that lives registers again.

import { apis } from '@sluice/protocol/apis'
import { handler } from '../handler.ts'

export const unregisterBroker = handler(
  apis.unregisterBroker,
  { min: 0, max: 0 },
  async (broker, { brokerId }) => {
    const outcome = await broker.cluster.controller.unregisterBroker(brokerId)
    if (outcome.ok) return { errorCode: 0, errorMessage: null }
    return { errorCode: outcome.error, errorMessage: outcome.message }
  },
)
