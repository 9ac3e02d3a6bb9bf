// What configs can be asked of and altered: topics, this broker, all brokers.

import type { ConfigOverrides, ConfigScope } from '@sluice/core/cluster/image'
import { invalidTopicName } from '@sluice/core/cluster/topic-name'
import { parseValue } from '@sluice/core/config/definition'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { validateTopicConfig } from '@sluice/core/config/topic-config'
import { errors } from '@sluice/protocol/errors'
import type { Broker } from './broker.ts'
import { dynamicBrokerConfigs } from './config-entries.ts'

/** ConfigResource.Type of the protocol. */
export const resourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 }

export interface ConfigResource {
  readonly resourceType: number
  readonly resourceName: string
}

export interface ConfigRefusal {
  readonly error: number
  readonly message: string
}

/** Why there is no such thing to configure; undefined: there is. */
export function unknownResource(
  broker: Broker,
  resource: ConfigResource,
): ConfigRefusal | undefined {
  const { resourceName: name } = resource
  switch (resource.resourceType) {
    case resourceType.topic: {
      const message = invalidTopicName(name)
      if (message) return { error: errors.INVALID_TOPIC_EXCEPTION, message }
      if (broker.cluster.image.topic(name)) return undefined
      return {
        error: errors.UNKNOWN_TOPIC_OR_PARTITION,
        message: `The topic '${name}' does not exist.`,
      }
    }
    case resourceType.broker:
      if (name === '' || name === String(broker.nodeId)) return undefined
      return {
        error: errors.INVALID_REQUEST,
        message: `Unexpected broker id, expected ${broker.nodeId} or empty string, but received ${name}`,
      }
    default:
      return {
        error: errors.INVALID_REQUEST,
        message: `Unsupported resource type ${resource.resourceType}`,
      }
  }
}

export function scopeOf(resource: ConfigResource): ConfigScope {
  return resource.resourceType === resourceType.topic ? 'topic' : 'broker'
}

/** Why these overrides cannot stand; undefined: they can. */
export function invalidOverrides(
  resource: ConfigResource,
  overrides: ConfigOverrides,
): ConfigRefusal | undefined {
  const message =
    resource.resourceType === resourceType.topic
      ? validateTopicConfig(overrides)[0]?.message
      : invalidBrokerOverrides(overrides)
  return message === undefined ? undefined : { error: errors.INVALID_CONFIG, message }
}

function invalidBrokerOverrides(overrides: ConfigOverrides): string | undefined {
  for (const [name, value] of Object.entries(overrides)) {
    if (!dynamicBrokerConfigs.has(name)) {
      return `Cannot update these configs dynamically: ${name}`
    }
    const parsed = parseValue(brokerConfigs[name as keyof typeof brokerConfigs], value)
    if (!parsed.ok) return `Invalid value ${value} for configuration ${name}: ${parsed.message}`
  }
  return undefined
}
