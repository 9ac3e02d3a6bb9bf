// BrokerConfig: what a broker runs by, keyed by Kafka's names: config['num.partitions'] is a number.
// Any server.properties of Kafka resolves: retired names are noticed, those without an effect are
// accepted; an unknown name or an illegal value is an error that says where it stands.

import {
  type ConfigEntry,
  type ConfigError,
  type ConfigInput,
  type ConfigNotice,
  configEntries,
} from './config-entry.ts'
import { brokerConflicts } from './conflicts.ts'
import type { Values } from './definition.ts'
import { nearest } from './nearest.ts'
import { defaultValues, invalidValue, isKnown, resolveEntries } from './resolve.ts'
import { brokerConfigs } from './tables/broker.ts'
import { commandConfigs } from './tables/command.ts'
import { listenerLimits } from './tables/dynamic.ts'
import { retiredConfigs } from './tables/retired.ts'

/** The names that were given; all others stand at their defaults. */
export const givenNames: unique symbol = Symbol('givenNames')
/** What holds for one listener alone, by its name in lower case: listener.name.<listener>.<config>. */
export const listenerOverrides: unique symbol = Symbol('listenerOverrides')

export type BrokerConfig = Values<typeof brokerConfigs> & {
  readonly [givenNames]: ReadonlySet<string>
  readonly [listenerOverrides]: ListenerOverrides
}

export type ListenerOverrides = ReadonlyMap<string, Readonly<Record<string, unknown>>>

export type BrokerConfigResult =
  | { ok: true; config: BrokerConfig; notices: ConfigNotice[] }
  | { ok: false; errors: ConfigError[] }

/** Prefixes under which Kafka passes configs on to plugins; whatever follows is theirs to know. */
const pluginPrefixes = ['config.providers.', 'rsm.config.', 'rlmm.config.']
const listenerPrefix =
  /^listener\.name\.[^.]+\.(?:(?:plain|scram-sha-256|scram-sha-512|oauthbearer|gssapi)\.)?/

/** Resolves configs given as pairs or as entries with their origin; the last one of a name counts. */
export function brokerConfig(input: ConfigInput): BrokerConfigResult {
  const errors: ConfigError[] = []
  const notices: ConfigNotice[] = []
  const known: ConfigEntry[] = []
  const ofListeners: ConfigEntry[] = []
  for (const entry of configEntries(input)) {
    if (isKnown(brokerConfigs, entry.name)) {
      known.push(entry)
      const { effect } = brokerConfigs[entry.name]
      if (effect !== 'implemented') notices.push(notice('no-effect', entry, effect.noEffect))
    } else if (Object.hasOwn(retiredConfigs, entry.name)) {
      notices.push(notice('retired', entry, retiredConfigs[entry.name]))
    } else if (listenerLimit(entry.name)) {
      ofListeners.push(entry)
    } else if (isForPlugin(entry.name)) {
      notices.push(notice('no-effect', entry, 'because it is meant for a listener or a plugin'))
    } else if (!isKnown(commandConfigs, entry.name)) {
      errors.push(unknownConfig(entry))
    }
  }
  const resolved = resolveEntries(brokerConfigs, known)
  const overrides = resolveListenerOverrides(ofListeners)
  errors.push(...resolved.errors, ...overrides.errors)
  if (errors.length > 0) return { ok: false, errors }
  const config: BrokerConfig = {
    ...defaultValues(brokerConfigs),
    ...resolved.given,
    [givenNames]: new Set(known.map(({ name }) => name)),
    [listenerOverrides]: overrides.byListener,
  }
  const ids = agreeOnNodeId(config, resolved.given)
  errors.push(...ids.errors, ...brokerConflicts(ids.config))
  if (errors.length > 0) return { ok: false, errors: withOrigins(errors, known) }
  return { ok: true, config: Object.freeze(ids.config), notices }
}

/** What a config that may differ by listener is for the listener of this name. */
export function listenerConfig<K extends keyof Values<typeof brokerConfigs>>(
  config: BrokerConfig,
  listener: string,
  name: K,
): BrokerConfig[K] {
  const own = config[listenerOverrides].get(listener.toLowerCase())
  return own && Object.hasOwn(own, name) ? (own[name] as BrokerConfig[K]) : config[name]
}

/** `listener.name.<listener>.<config>` taken apart, where the config may differ by listener. */
export function listenerLimit(name: string): { listener: string; name: string } | undefined {
  const match = listenerPrefix.exec(name)
  if (!match) return undefined
  const base = name.slice(match[0].length)
  if (!listenerLimits.has(base)) return undefined
  return { listener: name.split('.')[2].toLowerCase(), name: base }
}

export function resolveListenerOverrides(entries: readonly ConfigEntry[]): {
  byListener: ListenerOverrides
  errors: ConfigError[]
} {
  const byListener = new Map<string, Record<string, unknown>>()
  const errors: ConfigError[] = []
  for (const entry of entries) {
    const limit = listenerLimit(entry.name)
    if (!limit || !isKnown(brokerConfigs, limit.name)) continue
    const resolved = resolveEntries(brokerConfigs, [{ ...entry, name: limit.name }])
    errors.push(...resolved.errors)
    byListener.set(limit.listener, { ...byListener.get(limit.listener), ...resolved.given })
  }
  return { byListener, errors }
}

function notice(kind: ConfigNotice['kind'], entry: ConfigEntry, why: string): ConfigNotice {
  const { name, origin } = entry
  const message =
    kind === 'retired' ? `${name} is retired: ${why}` : `${name} is accepted without effect, ${why}`
  return { kind, name, origin, message }
}

function unknownConfig({ name, origin }: ConfigEntry): ConfigError {
  const names = [...Object.keys(brokerConfigs), ...Object.keys(retiredConfigs)]
  const meant = nearest(name, names)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  return { name, origin, message: `unknown config ${name}${hint}` }
}

function isForPlugin(name: string): boolean {
  if (pluginPrefixes.some((prefix) => name.startsWith(prefix))) return true
  const prefix = listenerPrefix.exec(name)
  return prefix !== null && isKnown(brokerConfigs, name.slice(prefix[0].length))
}

/** node.id and its older name broker.id are one value. */
function agreeOnNodeId(
  config: BrokerConfig,
  given: Partial<BrokerConfig>,
): { config: BrokerConfig; errors: ConfigError[] } {
  const older = given['broker.id'] ?? -1
  const nodeId = given['node.id'] ?? (older >= 0 ? older : config['node.id'])
  if (older >= 0 && older !== nodeId) {
    const message = invalidValue('node.id', nodeId, `it must be that of broker.id (${older})`)
    return { config, errors: [{ name: 'node.id', message }] }
  }
  return { config: { ...config, 'node.id': nodeId, 'broker.id': nodeId }, errors: [] }
}

function withOrigins(errors: ConfigError[], entries: readonly ConfigEntry[]): ConfigError[] {
  return errors.map((error) => ({
    ...error,
    origin: error.origin ?? entries.findLast(({ name }) => name === error.name)?.origin,
  }))
}
