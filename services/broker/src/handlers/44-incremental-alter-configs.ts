// IncrementalAlterConfigs (KIP-339)
// v1 flexible. Sets, deletes, appends to and subtracts from single configs.

import type { ConfigOverrides } from '@sluice/core/cluster/image'
import { type ConfigTable, formatValue } from '@sluice/core/config/definition'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { clientMetricsConfigs, groupResourceConfigs } from '@sluice/core/config/tables/resources'
import { topicConfigs } from '@sluice/core/config/tables/topic'
import { topicConfig } from '@sluice/core/config/topic-config'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { IncrementalAlterConfigsRequest } from '@sluice/protocol/messages/44-incremental-alter-configs'
import { type Alteration, alterResource, namedTwice } from '../alter-configs.ts'
import { alterLoggers } from '../alter-loggers.ts'
import type { Broker } from '../broker.ts'
import { type ConfigRefusal, resourceType, unalterable } from '../config-resources.ts'
import { handler } from '../handler.ts'

type Resource = IncrementalAlterConfigsRequest['resources'][number]
type Operation = Resource['configs'][number]

/** AlterConfigOp.OpType of the protocol. */
const operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export const incrementalAlterConfigs = handler(
  apis.incrementalAlterConfigs,
  {
    min: 0,
    max: 1,
    failed: (request, { errorCode, message }) => ({
      responses: request.resources.map(({ resourceType: type, resourceName }) => ({
        errorCode,
        errorMessage: message,
        resourceType: type,
        resourceName,
      })),
    }),
  },
  async (broker, request) => {
    const { validateOnly, resources } = request
    const responses = []
    for (const resource of resources) {
      if (resource.resourceType === resourceType.brokerLogger) {
        responses.push(alterLevels(broker, resource, request))
        continue
      }
      const alteration = namedTwice(resources, resource)
        ? () => invalid('Each resource must appear at most once.')
        : incremental(broker, resource)
      responses.push(await alterResource(broker, resource, { alteration, validateOnly }))
    }
    return { responses }
  },
)

function alterLevels(
  broker: Broker,
  resource: Resource,
  { resources, validateOnly }: IncrementalAlterConfigsRequest,
) {
  const { resourceType: type, resourceName, configs } = resource
  const twice = namedTwice(resources, resource)
  const refusal = twice
    ? invalid('Each resource must appear at most once.')
    : (unalterable(broker, resource) ??
      wrongOperation(configs) ??
      alterLoggers(
        broker,
        configs.map(({ name, configOperation, value }) => ({
          name,
          level: configOperation === operation.delete ? undefined : value,
        })),
        { validateOnly },
      ))
  return {
    errorCode: refusal?.error ?? 0,
    errorMessage: refusal?.message ?? null,
    resourceType: type,
    resourceName,
  }
}

/** Of levels there are no lists. */
function wrongOperation(configs: readonly Operation[]): ConfigRefusal | undefined {
  const names = configs.map(({ name }) => name)
  if (new Set(names).size !== names.length) return invalid('Error due to duplicate config keys')
  for (const { name, configOperation, value } of configs) {
    if (configOperation === operation.delete) continue
    if (value === null) return invalid(`Null value not supported for : ${name}`)
    if (configOperation === operation.set) continue
    const verb = operationName(configOperation)
    return invalid(`${verb} operation is not allowed for the BROKER_LOGGER resource`)
  }
  return undefined
}

function operationName(configOperation: number): string {
  if (configOperation === operation.append) return 'APPEND'
  return configOperation === operation.subtract ? 'SUBTRACT' : `Unknown ${configOperation}`
}

function incremental(broker: Broker, resource: Resource): Alteration {
  return (overrides) => {
    const altered: Record<string, string> = { ...overrides }
    const names = resource.configs.map(({ name }) => name)
    if (new Set(names).size !== names.length) {
      return invalid('Error due to duplicate config keys')
    }
    for (const one of resource.configs) {
      const value = one.configOperation === operation.delete ? undefined : one.value
      if (value === null) return invalid(`Null value not supported for : ${one.name}`)
      if (value === undefined) {
        delete altered[one.name]
        continue
      }
      const result = applied(broker, { resource, overrides, one, value })
      if (typeof result !== 'string') return result
      altered[one.name] = result
    }
    return altered
  }
}

/** The config's new text. */
function applied(
  broker: Broker,
  at: { resource: Resource; overrides: ConfigOverrides; one: Operation; value: string },
): string | ConfigRefusal {
  const { resource, overrides, one, value } = at
  if (one.configOperation === operation.set) return value
  if (one.configOperation !== operation.append && one.configOperation !== operation.subtract) {
    return invalid(`Unknown operation type ${one.configOperation} is not supported.`)
  }
  const { resourceType: type } = resource
  const ofBroker = type === resourceType.broker
  const table = tableOf(type)
  const definition = Object.hasOwn(table, one.name) ? table[one.name] : undefined
  if (definition?.type !== 'list') {
    const verb = operationName(one.configOperation)
    const message = ofBroker
      ? `Config value ${verb.toLowerCase()} is not allowed for config key: ${one.name}`
      : `Can't ${verb} to key ${one.name} because its type is not LIST.`
    return { error: errors.INVALID_CONFIG, message }
  }
  const text = overrides[one.name] ?? formatValue(inForce(broker, type, one.name)) ?? ''
  const before = split(text)
  const given = split(value)
  if (one.configOperation === operation.append) return [...new Set([...before, ...given])].join(',')
  return before.filter((entry) => !given.includes(entry)).join(',')
}

function tableOf(type: number): ConfigTable {
  switch (type) {
    case resourceType.topic:
      return topicConfigs
    case resourceType.group:
      return groupResourceConfigs
    case resourceType.clientMetrics:
      return clientMetricsConfigs
    default:
      return brokerConfigs
  }
}

/** The list of that name where nothing is set for the resource itself. */
function inForce({ config }: Broker, type: number, name: string): unknown {
  if (type === resourceType.broker) return config[name as keyof typeof brokerConfigs]
  if (type === resourceType.topic) {
    return topicConfig(config, {})[name as keyof typeof topicConfigs]
  }
  return tableOf(type)[name].default
}

function split(text: string): string[] {
  return text === '' ? [] : text.split(',').map((entry) => entry.trim())
}

function invalid(message: string): ConfigRefusal {
  return { error: errors.INVALID_REQUEST, message }
}
