// TopicConfig: what one topic's log runs by, keyed by Kafka's topic names. What the topic does not set
// comes from the broker configs behind it (tables/topic.ts), else from the default.

import { assert } from '../lib/assert.ts'
import type { BrokerConfig } from './broker-config.ts'
import { type ConfigError, type ConfigInput, configEntries } from './config-entry.ts'
import { formatValue, type Values } from './definition.ts'
import { isKnown, resolveEntries } from './resolve.ts'
import { retiredConfigs } from './tables/retired.ts'
import { brokerSynonyms, topicConfigs } from './tables/topic.ts'

export type TopicConfig = Values<typeof topicConfigs>

/** Retired topic configs: accepted and ignored, as an old tool may still send them. */
export function isRetiredTopicConfig(name: string): boolean {
  return !isKnown(topicConfigs, name) && Object.hasOwn(retiredConfigs, name)
}

const minLag = 'min.compaction.lag.ms'
const maxLag = 'max.compaction.lag.ms'

/** What a config of a topic can hold (Kafka's records hold no more), in characters. */
const valueCharactersMax = 32_767
const valueTooLong =
  'The configuration value cannot be added because it exceeds the maximum value size of ' +
  `${valueCharactersMax} bytes.`

/** What is wrong with `overrides` as a topic's own configs over those of `broker`; empty when nothing is. */
export function validateTopicConfig(broker: BrokerConfig, overrides: ConfigInput): ConfigError[] {
  const entries = configEntries(overrides)
  const known = entries.filter(({ name }) => isKnown(topicConfigs, name))
  const { given, errors } = resolveEntries(topicConfigs, known)
  for (const { name, origin } of entries) {
    if (isKnown(topicConfigs, name) || isRetiredTopicConfig(name)) continue
    errors.push({ name, origin, message: `Unknown topic config name: ${name}` })
  }
  for (const { name, value, origin } of entries) {
    if (value.length > valueCharactersMax) errors.push({ name, origin, message: valueTooLong })
  }
  return errors.length > 0 ? errors : checkTogether(broker, given)
}

/** Resolves `overrides`, which were validated when they were stored. */
export function topicConfig(broker: BrokerConfig, overrides: ConfigInput): TopicConfig {
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(topicConfigs) as (keyof TopicConfig)[]) {
    values[name] = fromBroker(broker, name) ?? topicConfigs[name].default
  }
  const known = configEntries(overrides).filter(({ name }) => isKnown(topicConfigs, name))
  const { given, errors } = resolveEntries(topicConfigs, known)
  assert(errors.length === 0, `topic configs were stored unvalidated: ${errors[0]?.message}`)
  Object.assign(values, given)
  // Kafka's own tests set segments below the lower bound by this name.
  values['segment.bytes'] = values['internal.segment.bytes'] ?? values['segment.bytes']
  return Object.freeze(values) as TopicConfig
}

/** The value of the first broker config that is set; a negative retention or time in a larger unit means for ever. */
function fromBroker(broker: BrokerConfig, name: string): unknown {
  for (const synonym of brokerSynonyms[name] ?? []) {
    const value = broker[synonym.name as keyof BrokerConfig]
    if (value === null) continue
    if (typeof value !== 'number' || synonym.factor === undefined) return value
    return value < 0 ? -1 : value * synonym.factor
  }
  return undefined
}

/** In Kafka's words, as what is wrong with a single config is. */
function checkTogether(broker: BrokerConfig, given: Partial<TopicConfig>): ConfigError[] {
  const errors: ConfigError[] = []
  const [least, most] = [inForce(broker, given, minLag), inForce(broker, given, maxLag)]
  if (least > most) {
    const [shownLeast, shownMost] = [formatValue(least), formatValue(most)]
    const message = `conflict topic config setting ${minLag} (${shownLeast}) > ${maxLag} (${shownMost})`
    errors.push({ name: minLag, message })
  }
  if (given['remote.storage.enable']) {
    const message =
      'Tiered Storage functionality is disabled in the broker. ' +
      'Topic cannot be configured with remote log storage.'
    errors.push({ name: 'remote.storage.enable', message })
  }
  return errors
}

function inForce(
  broker: BrokerConfig,
  given: Partial<TopicConfig>,
  name: typeof minLag | typeof maxLag,
): number {
  return given[name] ?? Number(fromBroker(broker, name) ?? topicConfigs[name].default)
}
