// DescribeConfigs
// v1 sources and synonyms (KIP-226) · v3 types and documentation (KIP-569) · v4 flexible

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { DescribeConfigsRequest } from '@sluice/protocol/messages/32-describe-configs'
import type { Broker } from '../broker.ts'
import {
  type ConfigEntryView,
  describeBrokerConfigs,
  describeClientMetrics,
  describeClusterDefaults,
  describeGroupConfigs,
  describeLoggers,
  describeTopicConfigs,
} from '../config-entries.ts'
import { resourceType, unknownResource } from '../config-resources.ts'
import { handler } from '../handler.ts'

type Resource = DescribeConfigsRequest['resources'][number]

export const describeConfigs = handler(
  apis.describeConfigs,
  {
    min: 1,
    max: 4,
    failed: (request, { errorCode, message }) => ({
      results: request.resources.map((one) => refused(one, errorCode, message)),
    }),
  },
  (broker, request) => ({
    results: request.resources.map((resource) => {
      const entries = describe(broker, resource)
      if (!Array.isArray(entries)) return refused(resource, entries.error, entries.message)
      // No keys are all keys, be the list null or empty.
      const keys = resource.configurationKeys ?? []
      const wanted = entries.filter(({ name }) => keys.length === 0 || keys.includes(name))
      return {
        errorCode: 0,
        errorMessage: null,
        resourceType: resource.resourceType,
        resourceName: resource.resourceName,
        configs: wanted.map((entry) => ({
          ...entry,
          synonyms: request.includeSynonyms ? entry.synonyms : [],
          documentation: request.includeDocumentation ? entry.documentation : null,
        })),
      }
    }),
  }),
)

function describe(
  broker: Broker,
  resource: Resource,
): ConfigEntryView[] | { error: number; message: string } {
  const { image } = broker.cluster
  const wrong = unknownResource(broker, resource)
  if (wrong) return wrong
  switch (resource.resourceType) {
    case resourceType.topic:
      return describeTopicConfigs(broker, image.configs('topic', resource.resourceName))
    case resourceType.broker:
      if (resource.resourceName !== '') return describeBrokerConfigs(broker)
      return describeClusterDefaults(broker)
    case resourceType.brokerLogger:
      return describeLoggers(broker)
    case resourceType.group:
      return describeGroupConfigs(broker, image.configs('group', resource.resourceName))
    case resourceType.clientMetrics:
      return describeClientMetrics(image.configs('client', resource.resourceName))
    default:
      return { error: errors.INVALID_REQUEST, message: 'this resource has no configs here' }
  }
}

function refused(resource: Resource, errorCode: number, errorMessage: string) {
  const { resourceType, resourceName } = resource
  return { errorCode, errorMessage, resourceType, resourceName, configs: [] }
}
