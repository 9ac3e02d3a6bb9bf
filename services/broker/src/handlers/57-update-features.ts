// UpdateFeatures (KIP-584)
// v1 validate only, upgrade types (KIP-778) · v2 no result per feature (KIP-1022)
// All updates are made or none; the error says for which feature it is.

import { type FeatureUpdate, upgradeType } from '@sluice/core/cluster/features'
import { apis } from '@sluice/protocol/apis'
import type { UpdateFeaturesRequest } from '@sluice/protocol/messages/57-update-features'
import { type Failure, handler } from '../handler.ts'

const upgradeTypesSince = 1
const resultsUpTo = 1

export const updateFeatures = handler(
  apis.updateFeatures,
  {
    min: 0,
    max: 2,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    failed: (_request, failure) => refused(failure),
  },
  async (broker, request, { apiVersion }) => {
    const { featureUpdates, validateOnly } = request
    const updates = featureUpdates.map((update) => asUpdate(update, apiVersion))
    const outcome = await broker.cluster.controller.updateFeatures(updates, { validateOnly })
    if (!outcome.ok) {
      const message =
        'The update failed for all features since the following feature had an error: ' +
        outcome.message
      return refused({ errorCode: outcome.error, message })
    }
    const results = updates.map(({ feature }) => ({ feature, errorCode: 0, errorMessage: null }))
    return {
      errorCode: 0,
      errorMessage: null,
      results: apiVersion <= resultsUpTo ? results : [],
    }
  },
)

function asUpdate(
  update: UpdateFeaturesRequest['featureUpdates'][number],
  apiVersion: number,
): FeatureUpdate {
  const { feature, maxVersionLevel: level, allowDowngrade } = update
  if (apiVersion >= upgradeTypesSince) return { feature, level, upgradeType: update.upgradeType }
  const type = allowDowngrade ? upgradeType.safeDowngrade : upgradeType.upgrade
  return { feature, level, upgradeType: type }
}

function refused({ errorCode, message }: Failure) {
  return { errorCode, errorMessage: message, results: [] }
}
