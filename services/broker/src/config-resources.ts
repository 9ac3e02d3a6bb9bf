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
      return unknownLoggers(broker, name)
    case resourceType.group:
      return name === '' ? invalid('Group name must not be empty') : undefined
    case resourceType.clientMetrics:
      return name === '' ? invalid('Client metrics subscription name must not be empty') : undefined
    default:
      return invalid(`Unsupported resource type ${resource.resourceType}`)
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
  if (!isInteger(name)) return invalid(`Broker id must be an integer, but it is: ${name}`)
  if (Number(name) === nodeId) return undefined
  return invalid(`Unexpected broker id, expected ${nodeId} or empty string, but received ${name}`)
}

function unknownLoggers({ nodeId }: Broker, name: string): ConfigRefusal | undefined {
  if (name === '') return invalid('Broker id must not be empty')
  if (!isInteger(name)) return invalid(`Broker id must be an integer, but it is: ${name}`)
  if (Number(name) === nodeId) return undefined
  return invalid(`Unexpected broker id, expected ${nodeId} but received ${name}`)
}

/** Why nothing of it can be altered; undefined: it can. Kafka has other words for it than where it is described. */
export function unalterable(broker: Broker, resource: ConfigResource): ConfigRefusal | undefined {
  const { nodeId } = broker
  const { resourceName: name, resourceType: type } = resource
  switch (type) {
    case resourceType.topic:
      if (name === '') return invalid('Default topic resources are not allowed.')
      return unknownTopic(broker, name)
    case resourceType.broker:
      if (name === '' || isNode(broker, name)) return undefined
      if (!isInteger(name)) return invalid(`Node id must be an integer, but it is: ${name}`)
      return invalid(`Unexpected broker id, expected ${nodeId}, but received ${name}`)
    case resourceType.brokerLogger:
      if (isNode(broker, name)) return undefined
      if (!isInteger(name)) return invalid(`Node id must be an integer, but it is: ${name}`)
      return invalid(`Unexpected node id. Expected ${nodeId}, but received ${name}`)
    case resourceType.group:
      return name === '' ? invalid('Default group resources are not allowed.') : undefined
    case resourceType.clientMetrics:
      return name === '' ? invalid("Subscription name can't be empty") : undefined
    default:
      return invalid(`Unknown resource type ${type}`)
  }
}

function isNode({ nodeId }: Broker, name: string): boolean {
  return isInteger(name) && Number(name) === nodeId
}

function isInteger(name: string): boolean {
  return /^[+-]?\d+$/.test(name)
}

function invalid(message: string): ConfigRefusal {
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
