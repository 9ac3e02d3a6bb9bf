// Configs as DescribeConfigs shows them: value, where it comes from, what stands behind it, its
// documentation. All out of the one table of configs.

import type { ConfigOverrides } from '@sluice/core/cluster/image'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import { type ConfigType, type Definition, formatValue } from '@sluice/core/config/definition'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
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

/**
 * Broker configs that can be altered while the broker runs: those behind the configs of topics, and the
 * log cleaner's own.
 */
export const dynamicBrokerConfigs: ReadonlySet<string> = new Set([
  ...Object.values(brokerSynonyms).flatMap((synonyms) => synonyms.map(({ name }) => name)),
  'log.cleaner.backoff.ms',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.buffer.size',
  'log.cleaner.io.max.bytes.per.second',
  'log.cleaner.threads',
])

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
        value: formatValue(effective[name as keyof typeof topicConfigs]),
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
  const found: ConfigSynonym[] = []
  if (Object.hasOwn(overrides, name)) {
    found.push({ name, value: overrides[name], source: source.topic })
  }
  for (const synonym of brokerSynonyms[name] ?? []) {
    found.push(...brokerConfigSynonyms(broker, synonym.name))
  }
  return found
}

/** All configs of this broker. */
export function describeBrokerConfigs(broker: Broker): ConfigEntryView[] {
  return Object.keys(brokerConfigs).map((name) => {
    const definition = brokerDefinition(name)
    const isSensitive = definition.type === 'password'
    const synonyms = isSensitive ? [] : brokerConfigSynonyms(broker, name)
    const value = broker.config[name as keyof BrokerConfig]
    return {
      name,
      value: isSensitive ? null : formatValue(value),
      configSource: synonyms[0]?.source ?? source.default,
      readOnly: !dynamicBrokerConfigs.has(name),
      isSensitive,
      synonyms,
      configType: typeCodes[definition.type],
      documentation: definition.doc,
    }
  })
}

/** What is set for all brokers, whatever this broker has set for itself. */
export function describeClusterDefaults(broker: Broker): ConfigEntryView[] {
  return describeBrokerConfigs(broker).flatMap((entry) => {
    const ofAll = entry.synonyms.find((one) => one.source === source.clusterDefault)
    if (!ofAll) return []
    return [{ ...entry, value: ofAll.value, configSource: ofAll.source, synonyms: [ofAll] }]
  })
}

function brokerConfigSynonyms(broker: Broker, name: string): ConfigSynonym[] {
  const { image } = broker.cluster
  const found: ConfigSynonym[] = []
  const own = image.configs('broker', String(broker.nodeId))
  const ofAll = image.configs('broker', '')
  const definition = brokerDefinition(name)
  if (Object.hasOwn(own, name)) found.push({ name, value: own[name], source: source.broker })
  if (Object.hasOwn(ofAll, name)) {
    found.push({ name, value: ofAll[name], source: source.clusterDefault })
  }
  const started = formatValue(broker.startConfig[name as keyof BrokerConfig])
  const byDefault = formatValue(definition.default)
  if (started !== byDefault) found.push({ name, value: started, source: source.brokerFile })
  if (byDefault !== null) found.push({ name, value: byDefault, source: source.default })
  return found
}

function brokerDefinition(name: string): Definition<unknown> {
  return brokerConfigs[name as keyof typeof brokerConfigs]
}
