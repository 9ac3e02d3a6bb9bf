// ListConfigResources (KIP-1142; until 4.0 ListClientMetricsResources)
// v1 resource types; v0 lists subscriptions to client metrics

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { Broker } from '../broker.ts'
import { resourceType } from '../config-resources.ts'
import { handler } from '../handler.ts'

const all = Object.values(resourceType)

export const listConfigResources = handler(
  apis.listConfigResources,
  {
    min: 0,
    max: 1,
    failed: (_request, { errorCode }) => ({ errorCode, configResources: [] }),
  },
  (broker, request, { apiVersion }) => {
    const known = apiVersion === 0 ? [resourceType.clientMetrics] : all
    const types = request.resourceTypes.length === 0 ? known : request.resourceTypes
    if (types.some((type) => !known.includes(type))) {
      return { errorCode: errors.UNSUPPORTED_VERSION, configResources: [] }
    }
    const configResources = [...new Set(types)].flatMap((type) =>
      namesOf(broker, type).map((resourceName) => ({ resourceName, resourceType: type })),
    )
    return { errorCode: 0, configResources }
  },
)

function namesOf(broker: Broker, type: number): string[] {
  const { image } = broker.cluster
  switch (type) {
    case resourceType.topic:
      return [...image.topics()].map(({ name }) => name)
    case resourceType.broker:
    case resourceType.brokerLogger:
      return [...image.brokers()].map(({ id }) => String(id))
    case resourceType.group:
      return image.configNames('group')
    case resourceType.clientMetrics:
      return image.configNames('client')
    default:
      return []
  }
}
