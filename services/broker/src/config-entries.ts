// Configs as DescribeConfigs shows them: value, where it comes from, what stands behind it, its
// documentation. All out of the one table of configs; the order and choice of synonyms are Kafka's.

import type { ConfigOverrides } from '@sluice/core/cluster/image'
import { type BrokerConfig, givenNames, listenerLimit } from '@sluice/core/config/broker-config'
import {
  type ConfigTable,
  type ConfigType,
  type Definition,
  formatValue,
  parseValue,
  type Values,
} from '@sluice/core/config/definition'
import { clientMetricsConfig, groupConfig } from '@sluice/core/config/resource-config'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import {
  clusterWide,
  perBroker,
  sameBrokerConfigs,
  shownWhenSet,
} from '@sluice/core/config/tables/dynamic'
import { internalConfigs } from '@sluice/core/config/tables/internal'
import { clientMetricsConfigs, groupResourceConfigs } from '@sluice/core/config/tables/resources'
import { brokerSynonyms, topicConfigs } from '@sluice/core/config/tables/topic'
import { topicConfig } from '@sluice/core/config/topic-config'
import type { Broker } from './broker.ts'

/** ConfigSource of the protocol. */
export const source = {
  topic: 1,
  broker: 2,
  clusterDefault: 3,
  brokerFile: 4,
  default: 5,
  brokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const

/** ConfigType of the protocol. */
const typeCodes: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}
const unknownType = 0

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

export interface ConfigEntryView {
  readonly name: string
  readonly value: string | null
  readonly configSource: number
  readonly readOnly: boolean
  readonly isSensitive: boolean
  readonly synonyms: readonly ConfigSynonym[]
  readonly configType: number
  readonly documentation: string
}

/** All configs of a topic with these overrides. */
export function describeTopicConfigs(
  broker: Broker,
  overrides: ConfigOverrides,
): ConfigEntryView[] {
  const effective = topicConfig(broker.config, overrides)
  return Object.keys(topicConfigs)
    .filter((name) => !name.startsWith('internal.'))
    .map((name) => {
      const definition: Definition<unknown> = topicConfigs[name as keyof typeof topicConfigs]
      const synonyms = topicSynonyms(broker, name, overrides)
      return {
        name,
        value: formatValue(effective[name as keyof typeof topicConfigs], definition.type),
        configSource: synonyms[0]?.source ?? source.default,
        readOnly: false,
        isSensitive: false,
        synonyms,
        configType: typeCodes[definition.type],
        documentation: definition.doc,
      }
    })
}

/** What decides the value, first one first; Kafka's tool prints them as they stand here. */
function topicSynonyms(broker: Broker, name: string, overrides: ConfigOverrides): ConfigSynonym[] {
  const behind = brokerSynonyms[name]?.[0]
  const ofBroker = behind ? brokerSynonymsOf(broker, behind.name) : []
  if (!Object.hasOwn(overrides, name)) return ofBroker
  return [{ name, value: overrides[name], source: source.topic }, ...ofBroker]
}

/** All configs of this broker but those that Kafka keeps to itself. */
export function describeBrokerConfigs(broker: Broker): ConfigEntryView[] {
  const { image } = broker.cluster
  const own = image.configs('broker', String(broker.nodeId))
  const ofAll = image.configs('broker', '')
  const isSet = (name: string) => Object.hasOwn(own, name) || Object.hasOwn(ofAll, name)
  const isShown = (name: string) =>
    isSet(name) || !(shownWhenSet.has(name) || Object.hasOwn(internalConfigs, name))
  const names = Object.keys(brokerConfigs).filter(isShown)
  const ofListeners = Object.keys({ ...ofAll, ...own }).filter((name) => listenerLimit(name))
  return [...names, ...ofListeners].map((name) => describeBrokerConfig(broker, name))
}

function describeBrokerConfig(broker: Broker, name: string): ConfigEntryView {
  const base = listenerLimit(name)?.name ?? name
  const definition = brokerDefinition(base)
  const isSensitive = definition.type === 'password'
  const synonyms = brokerSynonymsOf(broker, name)
  if (base !== name) synonyms.push(...brokerSynonymsOf(broker, base))
  const value = base === name ? effectiveValue(broker, name) : (synonyms[0]?.value ?? null)
  return {
    name,
    value: isSensitive ? null : value,
    configSource: synonyms[0]?.source ?? source.default,
    readOnly: !clusterWide.has(base) && !perBroker.has(base),
    isSensitive,
    synonyms: isSensitive ? synonyms.map((one) => ({ ...one, value: null })) : synonyms,
    configType: typeCodes[definition.type],
    documentation: definition.doc,
  }
}

function effectiveValue(broker: Broker, name: string): string | null {
  return formatValue(broker.config[name as keyof typeof brokerConfigs], brokerDefinition(name).type)
}

/** What is set for all brokers, whatever this broker has set for itself. */
export function describeClusterDefaults(broker: Broker): ConfigEntryView[] {
  const ofAll = broker.cluster.image.configs('broker', '')
  const names = Object.keys(ofAll).filter(
    (name) => Object.hasOwn(brokerConfigs, name) || listenerLimit(name),
  )
  return names.map((name) => {
    const entry = describeBrokerConfig(broker, name)
    const synonym = { name, value: entry.isSensitive ? null : ofAll[name], source: 3 }
    const { value } = synonym
    return { ...entry, value, configSource: source.clusterDefault, synonyms: [synonym] }
  })
}

/** All configs of a group with these overrides; Kafka names each value itself, wherever it comes from. */
export function describeGroupConfigs(
  broker: Broker,
  overrides: ConfigOverrides,
): ConfigEntryView[] {
  const values = groupConfig(broker.config, overrides)
  return describeResource(groupResourceConfigs, values, (name, value) => [
    { name, value, source: Object.hasOwn(overrides, name) ? source.group : source.default },
  ])
}

/** All configs of a subscription to client metrics with these overrides. */
export function describeClientMetrics(overrides: ConfigOverrides): ConfigEntryView[] {
  const values = clientMetricsConfig(overrides)
  return describeResource(clientMetricsConfigs, values, (name, value) =>
    Object.hasOwn(overrides, name) ? [{ name, value, source: source.clientMetrics }] : [],
  )
}

function describeResource<T extends ConfigTable>(
  table: T,
  values: Values<T>,
  synonymsOf: (name: string, value: string | null) => ConfigSynonym[],
): ConfigEntryView[] {
  return Object.keys(table).map((name) => {
    const { type, doc } = table[name]
    const value = formatValue(values[name], type)
    const synonyms = synonymsOf(name, value)
    return {
      name,
      value,
      configSource: synonyms[0]?.source ?? source.default,
      readOnly: false,
      isSensitive: false,
      synonyms,
      configType: typeCodes[type],
      documentation: doc,
    }
  })
}

/** The levels of the parts that log. */
export function describeLoggers({ logs }: Broker): ConfigEntryView[] {
  return [...logs.levels()].map(([name, value]) => ({
    name,
    value,
    configSource: source.brokerLogger,
    readOnly: false,
    isSensitive: false,
    synonyms: [],
    configType: unknownType,
    documentation: '',
  }))
}

/**
 * What was set under the name or one that stands for the same, by source; what comes before the name's
 * own first value is left out, as in Kafka.
 */
function brokerSynonymsOf(broker: Broker, name: string): ConfigSynonym[] {
  const { image } = broker.cluster
  const names = sameBrokerConfigs(name)
  const all = [
    ...overriddenBy(image.configs('broker', String(broker.nodeId)), names, source.broker),
    ...overriddenBy(image.configs('broker', ''), names, source.clusterDefault),
    ...names.flatMap((one) => startedWith(broker.startConfig, one)),
    ...names.flatMap(byDefault),
  ]
  const first = all.findIndex((one) => one.name === name)
  return first < 0 ? [] : all.slice(first)
}

function overriddenBy(
  overrides: ConfigOverrides,
  names: readonly string[],
  origin: number,
): ConfigSynonym[] {
  return names
    .filter((name) => Object.hasOwn(overrides, name))
    .map((name) => ({ name, value: shown(name, overrides[name]), source: origin }))
}

/** A value as it is read: without blanks around it. */
function shown(name: string, text: string): string | null {
  const base = listenerLimit(name)?.name ?? name
  const parsed = parseValue(brokerDefinition(base), text)
  return parsed.ok ? formatValue(parsed.value, brokerDefinition(base).type) : text
}

function startedWith(config: BrokerConfig, name: string): ConfigSynonym[] {
  if (!config[givenNames].has(name)) return []
  const value = formatValue(config[name as keyof typeof brokerConfigs], brokerDefinition(name).type)
  return [{ name, value, source: source.brokerFile }]
}

function byDefault(name: string): ConfigSynonym[] {
  if (!Object.hasOwn(brokerConfigs, name) || shownWhenSet.has(name)) return []
  const definition = brokerDefinition(name)
  const value = formatValue(definition.default, definition.type)
  return value === null ? [] : [{ name, value, source: source.default }]
}

function brokerDefinition(name: string): Definition<unknown> {
  return brokerConfigs[name as keyof typeof brokerConfigs]
}
