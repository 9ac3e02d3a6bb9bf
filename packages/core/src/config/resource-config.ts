// Configs of groups and of client metrics subscriptions: what one runs by, and what Kafka refuses of them.

import type { BrokerConfig } from './broker-config.ts'
import { type ConfigTable, formatValue, type Values } from './definition.ts'
import { defaultValues, isKnown, resolveEntries } from './resolve.ts'
import { clientMetricsConfigs, groupResourceConfigs, groupSynonyms } from './tables/resources.ts'

export type GroupConfig = Values<typeof groupResourceConfigs>
export type ClientMetricsConfig = Values<typeof clientMetricsConfigs>
type Overrides = Readonly<Record<string, string>>

/** `request`: what is asked makes no sense at all (INVALID_REQUEST), else a value is wrong (INVALID_CONFIG). */
export interface ResourceError {
  readonly kind: 'request' | 'config'
  readonly message: string
}

const intervalMsMin = 100
const intervalMsMax = 3_600_000
const matchable: ReadonlySet<string> = new Set([
  'client_id',
  'client_instance_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

/** A group's configs over the broker's. Overrides that mean nothing any more are left out. */
export function groupConfig(broker: BrokerConfig, overrides: Overrides): GroupConfig {
  const inherited = Object.entries(groupSynonyms).map(([name, of]) => [name, broker[of]])
  return {
    ...defaultValues(groupResourceConfigs),
    ...Object.fromEntries(inherited),
    ...resolved(groupResourceConfigs, overrides).given,
  }
}

export function clientMetricsConfig(overrides: Overrides): ClientMetricsConfig {
  const defaults = defaultValues(clientMetricsConfigs)
  return { ...defaults, ...resolved(clientMetricsConfigs, overrides).given }
}

/** Undefined where the overrides can stand. */
export function invalidGroupConfig(
  broker: BrokerConfig,
  overrides: Overrides,
): ResourceError | undefined {
  const wrong = (message: string): ResourceError => ({ kind: 'config', message })
  const unknown = Object.keys(overrides).find((name) => !isKnown(groupResourceConfigs, name))
  if (unknown !== undefined) return wrong(`Unknown group config name: ${unknown}`)
  const [error] = resolved(groupResourceConfigs, overrides).errors
  if (error) return wrong(error.message)
  const config = groupConfig(broker, overrides)
  for (const { name, least, most } of groupBounds) {
    if (least && config[name] < broker[least]) {
      return wrong(`${name} must be greater than or equal to ${least}`)
    }
    if (config[name] > broker[most]) return wrong(`${name} must be less than or equal to ${most}`)
  }
  for (const protocol of ['consumer', 'share', 'streams'] as const) {
    const session = `${protocol}.session.timeout.ms` as const
    const heartbeat = `${protocol}.heartbeat.interval.ms` as const
    if (config[session] <= config[heartbeat]) {
      return wrong(`${session} must be greater than ${heartbeat}`)
    }
  }
  return undefined
}

interface GroupBound {
  readonly name: Exclude<keyof GroupConfig, 'share.auto.offset.reset' | 'share.isolation.level'>
  readonly least?: keyof BrokerConfig & `group.${string}.min.${string}`
  readonly most: keyof BrokerConfig & `group.${string}.max.${string}`
}

const groupBounds: readonly GroupBound[] = [
  ...(['consumer', 'share', 'streams'] as const).flatMap((protocol) =>
    (['heartbeat.interval.ms', 'session.timeout.ms'] as const).map((name) => ({
      name: `${protocol}.${name}` as const,
      least: `group.${protocol}.min.${name}` as const,
      most: `group.${protocol}.max.${name}` as const,
    })),
  ),
  {
    name: 'share.record.lock.duration.ms',
    least: 'group.share.min.record.lock.duration.ms',
    most: 'group.share.max.record.lock.duration.ms',
  },
  { name: 'streams.num.standby.replicas', most: 'group.streams.max.standby.replicas' },
]

/** Undefined where the overrides can stand. */
export function invalidClientMetricsConfig(overrides: Overrides): ResourceError | undefined {
  const unknown = Object.keys(overrides).find((name) => !isKnown(clientMetricsConfigs, name))
  if (unknown !== undefined) {
    return { kind: 'request', message: `Unknown client metrics configuration: ${unknown}` }
  }
  const [error] = resolved(clientMetricsConfigs, overrides).errors
  if (error) return { kind: 'config', message: error.message }
  const { 'interval.ms': intervalMs, match } = clientMetricsConfig(overrides)
  if (intervalMs < intervalMsMin || intervalMs > intervalMsMax) {
    const bounds = `interval must be between ${intervalMsMin} and ${intervalMsMax} (1 hour)`
    const message = `Invalid value ${formatValue(intervalMs)} for interval.ms, ${bounds}`
    return { kind: 'request', message }
  }
  const illegal = match.find((pattern) => !isPattern(pattern))
  if (illegal === undefined) return undefined
  return { kind: 'config', message: `Illegal client matching pattern: ${illegal}` }
}

/** `client_id=app-.*`; the pattern is one of Java's, of which ours are most. */
function isPattern(text: string): boolean {
  const [name, pattern, ...more] = text.split('=')
  if (pattern === undefined || pattern === '' || more.length > 0) return false
  if (!matchable.has(name.trim())) return false
  try {
    new RegExp(pattern.trim())
    return true
  } catch {
    return false
  }
}

function resolved<T extends ConfigTable>(table: T, overrides: Overrides) {
  const known = Object.entries(overrides).filter(([name]) => isKnown(table, name))
  return resolveEntries(
    table,
    known.map(([name, value]) => ({ name, value })),
  )
}
