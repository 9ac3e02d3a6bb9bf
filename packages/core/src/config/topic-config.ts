// TopicConfig: what one topic's log runs by, keyed by Kafka's topic names. What the topic does not set
// comes from the broker configs behind it (tables/topic.ts), else from the default.

import { assert } from '../lib/assert.ts'
import type { BrokerConfig } from './broker-config.ts'
import { type ConfigError, type ConfigInput, configEntries } from './config-entry.ts'
import { longMax, type Values } from './definition.ts'
import { invalidValue, isKnown, resolveEntries } from './resolve.ts'
import { retiredConfigs } from './tables/retired.ts'
import { brokerSynonyms, topicConfigs } from './tables/topic.ts'

export type TopicConfig = Values<typeof topicConfigs>

/** Retired topic configs: accepted and ignored, as an old tool may still send them. */
export function isRetiredTopicConfig(name: string): boolean {
  return !isKnown(topicConfigs, name) && Object.hasOwn(retiredConfigs, name)
}

/** What is wrong with `overrides` as a topic's own configs; empty when nothing is. */
export function validateTopicConfig(overrides: ConfigInput): ConfigError[] {
  const entries = configEntries(overrides)
  const known = entries.filter(({ name }) => isKnown(topicConfigs, name))
  const { given, errors } = resolveEntries(topicConfigs, known)
  for (const { name, origin } of entries) {
    if (isKnown(topicConfigs, name) || isRetiredTopicConfig(name)) continue
    errors.push({ name, origin, message: `Unknown topic config name: ${name}` })
  }
  return [...errors, ...checkTogether(given)]
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

/** The value of the first broker config that is set; a negative time in a larger unit means for ever. */
function fromBroker(broker: BrokerConfig, name: string): unknown {
  for (const synonym of brokerSynonyms[name] ?? []) {
    const value = broker[synonym.name as keyof BrokerConfig]
    if (value === null) continue
    if (typeof value !== 'number' || synonym.factor === undefined) return value
    return value < 0 ? -1 : value * synonym.factor
  }
  return undefined
}

function checkTogether(given: Partial<TopicConfig>): ConfigError[] {
  const errors: ConfigError[] = []
  const least = given['min.compaction.lag.ms'] ?? 0
  const most = given['max.compaction.lag.ms'] ?? longMax
  if (least > most) {
    const name = 'min.compaction.lag.ms'
    const message = invalidValue(name, least, `more than max.compaction.lag.ms (${most})`)
    errors.push({ name, message })
  }
  return errors
}
