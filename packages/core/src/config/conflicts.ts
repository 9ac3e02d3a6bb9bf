// Conflicts: what must hold between configs, whether they are set at the start or altered later. Every pair
// that Kafka checks is here, of configs without an effect, too: who may lay down bounds is told of a wrong one.

import type { ConfigError } from './config-entry.ts'
import type { Values } from './definition.ts'
import { invalidValue } from './resolve.ts'
import type { brokerConfigs } from './tables/broker.ts'

type BrokerValues = Values<typeof brokerConfigs>
type Name = keyof BrokerValues & string

/** The first is at most the second. */
const ordered: readonly (readonly [Name, Name])[] = [
  ['group.min.session.timeout.ms', 'group.max.session.timeout.ms'],
  ['log.cleaner.min.compaction.lag.ms', 'log.cleaner.max.compaction.lag.ms'],
  ['replica.fetch.wait.max.ms', 'replica.socket.timeout.ms'],
  ['replica.fetch.wait.max.ms', 'replica.lag.time.max.ms'],
  ...bounds('group.consumer', 'heartbeat.interval.ms'),
  ...bounds('group.consumer', 'session.timeout.ms'),
  ...bounds('group.share', 'heartbeat.interval.ms'),
  ...bounds('group.share', 'session.timeout.ms'),
  ...bounds('group.share', 'record.lock.duration.ms'),
  ['group.share.max.size', 'group.share.max.share.sessions'],
  ...bounds('group.streams', 'heartbeat.interval.ms'),
  ...bounds('group.streams', 'session.timeout.ms'),
  ['group.streams.num.standby.replicas', 'group.streams.max.standby.replicas'],
]

/** The first is less than the second. */
const strictlyOrdered: readonly (readonly [Name, Name])[] = [
  ['group.consumer.heartbeat.interval.ms', 'group.consumer.session.timeout.ms'],
  ['group.share.heartbeat.interval.ms', 'group.share.session.timeout.ms'],
  ['group.streams.heartbeat.interval.ms', 'group.streams.session.timeout.ms'],
]

/** min <= the config itself <= max. */
function bounds(prefix: string, name: string): [Name, Name][] {
  const [least, itself, most] = [`.min.${name}`, `.${name}`, `.max.${name}`]
  return [
    [`${prefix}${least}` as Name, `${prefix}${itself}` as Name],
    [`${prefix}${itself}` as Name, `${prefix}${most}` as Name],
  ]
}

/** Kafka's bound of log.cleaner.dedupe.buffer.size for each thread: it must be more. */
const dedupeBytesMin = 1024 * 1024

/** What of `config` contradicts itself; empty where nothing does. */
export function brokerConflicts(config: BrokerValues): ConfigError[] {
  const errors: ConfigError[] = []
  const wrong = (name: Name, message: string) => {
    errors.push({ name, message: invalidValue(name, config[name], message) })
  }
  for (const [low, high] of ordered) {
    if (Number(config[low]) > Number(config[high]))
      wrong(low, `more than ${high} (${config[high]})`)
  }
  for (const [low, high] of strictlyOrdered) {
    if (Number(config[low]) < Number(config[high])) continue
    wrong(low, `must be less than ${high} (${config[high]})`)
  }
  checkLogs(config, wrong)
  checkConnections(config, wrong)
  return errors
}

type Wrong = (name: Name, message: string) => void

function checkLogs(config: BrokerValues, wrong: Wrong): void {
  const threads = config['log.cleaner.threads']
  if (threads > 0 && config['log.cleaner.dedupe.buffer.size'] / threads <= dedupeBytesMin) {
    wrong('log.cleaner.dedupe.buffer.size', 'it must be more than 1 MB for each cleaner thread')
  }
  // Of configs that stand for one another the first that is set counts, and is looked at.
  const retention = ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'] as const
  const kept = retention.find((name) => config[name] !== null)
  if (kept && config[kept] === 0) wrong(kept, 'must be -1 (for ever) or more than 0')
  const rolls = config['log.roll.ms']
  if (rolls !== null && rolls < 1) wrong('log.roll.ms', 'must be at least 1')
  const jitter = config['log.roll.jitter.ms']
  if (jitter !== null && jitter < 0) wrong('log.roll.jitter.ms', 'must be at least 0')
}

function checkConnections(config: BrokerValues, wrong: Wrong): void {
  const overrides = config['max.connections.per.ip.overrides']
  const malformed = invalidConnectionOverrides(overrides)
  if (malformed !== undefined) wrong('max.connections.per.ip.overrides', malformed)
  else if (config['max.connections.per.ip'] === 0 && overrides === '') {
    const wanted = 'it can be zero only if max.connections.per.ip.overrides is set'
    wrong('max.connections.per.ip', wanted)
  }
  const [queued, largest] = [config['queued.max.request.bytes'], config['socket.request.max.bytes']]
  if (queued > 0 && queued < largest) {
    const wanted = `must be at least socket.request.max.bytes (${largest}), or no limit (-1)`
    wrong('queued.max.request.bytes', wanted)
  }
  const idleMs = config['connections.max.idle.ms']
  const delayMs = config['connection.failed.authentication.delay.ms']
  if (idleMs >= 0 && delayMs >= idleMs) {
    const wanted = `must be less than connections.max.idle.ms (${idleMs})`
    wrong('connection.failed.authentication.delay.ms', wanted)
  }
}

/** What is wrong with `host:number,host:number`; undefined: nothing. */
export function invalidConnectionOverrides(text: string): string | undefined {
  const entries = text === '' ? [] : text.split(',')
  const bad = entries.find((entry) => !/^[^\s,]+:\d{1,10}$/.test(entry.trim()))
  return bad === undefined ? undefined : `'${bad.trim()}' is not of the form host:number`
}
