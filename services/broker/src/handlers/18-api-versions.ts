// ApiVersions
// v3 flexible, client software name and version (KIP-511) · v4 features with minimum 0
// v5 cluster id and node id checked (KIP-1242)
//
// Features (KIP-584): those with a lowest level of 0 only to clients that can read that (KAFKA-17492).

import { features, finalizedLevel } from '@sluice/core/cluster/features'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { extensionsTag, hasExtensions } from '@sluice/protocol/extensions'
import type { Broker } from '../broker.ts'
import { type Handler, handler } from '../handler.ts'

const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/

/** Made of the list that it is itself a part of. */
export function apiVersions(handlers: () => readonly Handler[]): Handler {
  const apiKeys = () =>
    handlers().map(({ api, versions, advertisedMin }) => ({
      apiKey: api.key,
      minVersion: advertisedMin,
      maxVersion: versions.max,
    }))
  const ownKey = () => apiKeys().filter(({ apiKey }) => apiKey === apis.apiVersions.key)
  return handler(
    apis.apiVersions,
    {
      min: 0,
      max: 5,
      // As Kafka: of a version that is not served the client learns what it may ask with instead.
      failed: (_request, { errorCode }) => ({ errorCode, apiKeys: ownKey() }),
    },
    (broker, request, context) => {
      const { apiVersion } = context
      if (apiVersion >= 3 && !isSoftware(request)) {
        return { errorCode: errors.INVALID_REQUEST, apiKeys: [] }
      }
      const { clusterId, nodeId } = request
      const elsewhere =
        (clusterId !== null && clusterId !== broker.clusterId) ||
        (nodeId !== -1 && nodeId !== broker.nodeId)
      if (apiVersion >= 5 && elsewhere) {
        return { errorCode: errors.REBOOTSTRAP_REQUIRED, apiKeys: [] }
      }
      const answer = { errorCode: 0, apiKeys: apiKeys(), ...featuresOf(broker, apiVersion) }
      return hasExtensions(request) ? { ...answer, unknownTags: [extensionsTag()] } : answer
    },
  )
}

const featuresSince = 3
const zeroLevelsSince = 4

function featuresOf({ cluster: { image } }: Broker, apiVersion: number) {
  if (apiVersion < featuresSince) return undefined
  const shown = features.filter(({ min }) => min > 0 || apiVersion >= zeroLevelsSince)
  const finalized = features.map((feature) => ({
    name: feature.name,
    level: finalizedLevel(image.featureLevels, feature),
  }))
  return {
    supportedFeatures: shown.map(({ name, min, max }) => ({
      name,
      minVersion: min,
      maxVersion: max,
    })),
    finalizedFeaturesEpoch: image.version,
    // The lowest level is a relic; Kafka says the same for both.
    finalizedFeatures: finalized
      .filter(({ level }) => level > 0)
      .map(({ name, level }) => ({ name, minVersionLevel: level, maxVersionLevel: level })),
  }
}

function isSoftware(request: { clientSoftwareName: string; clientSoftwareVersion: string }) {
  const { clientSoftwareName, clientSoftwareVersion } = request
  return softwareName.test(clientSoftwareName) && softwareName.test(clientSoftwareVersion)
}
