// ProducerConfig and ConsumerConfig: what `-X name=value` and Kafka's client .properties files set.

import { type ConfigError, type ConfigInput, configEntries } from './config-entry.ts'
import type { ConfigTable, Values } from './definition.ts'
import { nearest } from './nearest.ts'
import { defaultValues, isKnown, resolveEntries } from './resolve.ts'
import { consumerConfigs, producerConfigs } from './tables/client.ts'

export type ProducerConfig = Values<typeof producerConfigs>
export type ConsumerConfig = Values<typeof consumerConfigs>

export type ClientConfigResult<C> = { ok: true; config: C } | { ok: false; errors: ConfigError[] }

export function producerConfig(input: ConfigInput): ClientConfigResult<ProducerConfig> {
  return resolve(producerConfigs, input, 'producer')
}

export function consumerConfig(input: ConfigInput): ClientConfigResult<ConsumerConfig> {
  return resolve(consumerConfigs, input, 'consumer')
}

function resolve<T extends ConfigTable>(
  table: T,
  input: ConfigInput,
  role: string,
): ClientConfigResult<Values<T>> {
  const entries = configEntries(input)
  const known = entries.filter(({ name }) => isKnown(table, name))
  const { given, errors } = resolveEntries(table, known)
  for (const { name, origin } of entries) {
    if (isKnown(table, name)) continue
    const meant = nearest(name, Object.keys(table))
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`
    errors.push({ name, origin, message: `unknown ${role} config ${name}${hint}` })
  }
  if (errors.length > 0) return { ok: false, errors }
  const config = Object.freeze({ ...defaultValues(table), ...given }) as Values<T>
  return { ok: true, config }
}
