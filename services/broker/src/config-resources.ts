// What configs can be asked of and altered: topics, this broker, all brokers, the loggers of this broker, groups
// and subscriptions to client metrics. The last two need not be there: they may be configured before.

import type { ConfigOverrides, ConfigScope } from '@sluice/core/cluster/image'
import { invalidTopicName } from '@sluice/core/cluster/topic-name'
import {
  invalidClientMetricsConfig,
  invalidGroupConfig,
  type ResourceError,
} from '@sluice/core/config/resource-config'
import { validateTopicConfig } from '@sluice/core/config/topic-config'
import { errors } from '@sluice/protocol/errors'
import type { Broker } from './broker.ts'
import { invalidBrokerOverrides } from './broker-overrides.ts'

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
    case resourceType.topic:
      return unknownTopic(broker, name)
    case resourceType.broker:
      return name === '' ? undefined : unknownBroker(broker, name)
    case resourceType.brokerLogger:
      return unknownBroker(broker, name)
    case resourceType.group:
      return name === '' ? nameless('Group name must not be empty') : undefined
    case resourceType.clientMetrics:
      return name === ''
        ? nameless('Client metrics subscription name must not be empty')
        : undefined
    default:
      return {
        error: errors.INVALID_REQUEST,
        message: `Unsupported resource type ${resource.resourceType}`,
      }
  }
}

function unknownTopic(broker: Broker, name: string): ConfigRefusal | undefined {
  const message = invalidTopicName(name)
  if (message) return { error: errors.INVALID_TOPIC_EXCEPTION, message }
  if (broker.cluster.image.topic(name)) return undefined
  return {
    error: errors.UNKNOWN_TOPIC_OR_PARTITION,
    message: `The topic '${name}' does not exist.`,
  }
}

function unknownBroker({ nodeId }: Broker, name: string): ConfigRefusal | undefined {
  const { INVALID_REQUEST } = errors
  if (!/^[+-]?\d+$/.test(name)) {
    return { error: INVALID_REQUEST, message: `Broker id must be an integer, but it is: ${name}` }
  }
  if (Number(name) === nodeId) return undefined
  const message = `Unexpected broker id, expected ${nodeId} or empty string, but received ${name}`
  return { error: INVALID_REQUEST, message }
}

function nameless(message: string): ConfigRefusal {
  return { error: errors.INVALID_REQUEST, message }
}

export function scopeOf(resource: ConfigResource): ConfigScope {
  switch (resource.resourceType) {
    case resourceType.topic:
      return 'topic'
    case resourceType.group:
      return 'group'
    case resourceType.clientMetrics:
      return 'client'
    default:
      return 'broker'
  }
}

/** Why these overrides cannot stand; undefined: they can. */
export function invalidOverrides(
  broker: Broker,
  resource: ConfigResource,
  overrides: ConfigOverrides,
): ConfigRefusal | undefined {
  switch (scopeOf(resource)) {
    case 'topic': {
      const message = validateTopicConfig(broker.config, overrides)[0]?.message
      return message === undefined ? undefined : { error: errors.INVALID_CONFIG, message }
    }
    case 'group':
      return refusalOf(invalidGroupConfig(broker.config, overrides))
    case 'client':
      return refusalOf(invalidClientMetricsConfig(overrides))
    case 'broker': {
      const ofAll = resource.resourceName === ''
      const message = invalidBrokerOverrides(broker, overrides, { ofAll })
      return message === undefined ? undefined : { error: errors.INVALID_REQUEST, message }
    }
  }
}

function refusalOf(wrong: ResourceError | undefined): ConfigRefusal | undefined {
  if (wrong === undefined) return undefined
  const error = wrong.kind === 'request' ? errors.INVALID_REQUEST : errors.INVALID_CONFIG
  return { error, message: wrong.message }
}
