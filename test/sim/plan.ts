// What a seed does: topics, clients and configs, drawn before the run.

import type { SeededRandom } from '@sluice/core/host/memory/random'
import type { AssignorName } from '@sluice/core/kafka-client/assignors'
import type { Codec } from '@sluice/protocol/records/batch'
import { drawFaults, type FaultPlan } from './faults.ts'
import { tableTopic } from './table-history.ts'

export interface ProducerPlan {
  readonly name: string
  readonly acks: -1 | 1
  readonly idempotent: boolean
  readonly codec: Codec
  readonly lingerMs: number
  /** Between two sends, at most. */
  readonly pauseMs: number
}

export interface MemberPlan {
  readonly name: string
  readonly joinsAtMs: number
  /** Undefined: it stays to the end. */
  readonly goes: { readonly atMs: number; readonly how: 'leave' | 'kill' } | undefined
  /** group.instance.id; undefined: not a static member. */
  readonly instanceId: string | undefined
  /** After it went. Undefined: never. */
  readonly backAfterMs: number | undefined
}

export interface GroupPlan {
  readonly name: string
  readonly assignors: readonly AssignorName[]
  readonly members: readonly MemberPlan[]
}

export interface TopicPlan {
  readonly name: string
  readonly partitions: number
  readonly configs?: Readonly<Record<string, string>>
}

/** A compacted topic, its writers and readers. */
export interface TablePlan {
  readonly topic: TopicPlan
  readonly writers: readonly TableWriterPlan[]
  /** Those that read all of it, again and again. */
  readonly readers: readonly string[]
  /** Whether a consumer follows it. */
  readonly followed: boolean
  /** log.cleaner.dedupe.buffer.size below what Kafka takes. */
  readonly mapBytes: number
  /** So long a tombstone stays at least, after it was cleaned. */
  readonly tombstoneMs: number
}

export interface TableWriterPlan {
  readonly name: string
  /** Its own: nobody else writes them. */
  readonly keys: number
  readonly codec: Codec
  readonly pauseMs: number
  readonly deletesShare: number
}

export interface Plan {
  readonly durationMs: number
  readonly broker: Record<string, string>
  /** log.segment.bytes below what Kafka takes, so that a log rolls several times in a run. */
  readonly segmentBytes: number
  readonly topics: readonly TopicPlan[]
  readonly producers: readonly ProducerPlan[]
  readonly readers: readonly string[]
  readonly groups: readonly GroupPlan[]
  readonly table: TablePlan | undefined
  /** Clients that send requests under idempotency keys. */
  readonly keyed: readonly string[]
  /** Whether topics are created and deleted beside the others. */
  readonly passingTopics: boolean
  /** Whether old records are deleted. */
  readonly trims: boolean
  readonly faultPlan: FaultPlan
}

/** Longer than the clock is ever set back or forth in a run. */
export const dayMs = 86_400_000

export function drawPlan(random: SeededRandom): Plan {
  const durationMs = 1_000 + random.integer(4_000)
  const producers = times(1 + random.integer(3), (i) => drawProducer(random, `p${i}`))
  const readers = times(random.integer(2), (i) => `r${i}`)
  const groups = times(random.integer(2), (i) => drawGroup(random, `g${i}`, durationMs))
  const members = groups.flatMap((group) => group.members.map(({ name }) => name))
  // Streams of their own: what else is drawn does not depend on them.
  const table = random.fork('table').chance(0.35) ? drawTable(random.fork('table plan')) : undefined
  const keyed = random.fork('exactly once').chance(0.3) ? ['k0', 'k1'] : []
  const ofTable = [...(table?.writers.map(({ name }) => name) ?? []), ...(table?.readers ?? [])]
  const clients = [...producers.map(({ name }) => name), ...readers, ...members]
  clients.push(...ofTable, ...keyed)
  return {
    durationMs,
    broker: { ...drawBroker(random), ...(table && cleaningOften) },
    segmentBytes: random.pick([2_000, 8_000, 1_000_000]),
    topics: times(1 + random.integer(2), (i) => ({
      name: `t${i}`,
      partitions: 1 + random.integer(3),
      configs: keyed.length > 0 ? knownForADay : {},
    })),
    producers,
    readers,
    groups,
    table,
    keyed,
    passingTopics: random.chance(0.3),
    trims: random.chance(0.3),
    faultPlan: drawFaults(random, { durationMs, clients, powerLoss: random.chance(0.4) }),
  }
}

const cleaningOften = {
  'log.cleaner.backoff.ms': '100',
  'log.cleaner.io.buffer.size': '8192',
}
const knownForADay = { 'sluice.dedup.window.ms': String(dayMs) }

function drawTable(random: SeededRandom): TablePlan {
  const tombstoneMs = random.pick([300, dayMs])
  const configs: Record<string, string> = {
    'cleanup.policy': 'compact',
    'internal.segment.bytes': random.pick(['500', '700', '1500']),
    'min.cleanable.dirty.ratio': random.pick(['0', '0.3']),
    'min.compaction.lag.ms': random.pick(['0', '0', '200']),
    'delete.retention.ms': String(tombstoneMs),
  }
  if (random.chance(0.3)) configs['segment.ms'] = '150'
  return {
    // The smaller one takes a few keys only: then a log is cleaned in several rounds.
    mapBytes: random.pick([100_000, 100_000, 400]),
    topic: { name: tableTopic, partitions: 1 + random.integer(2), configs },
    writers: times(1 + random.integer(2), (i) => ({
      name: `w${i}`,
      keys: 5 + random.integer(25),
      codec: random.pick(['none', 'none', 'gzip', 'lz4', 'zstd'] as const),
      pauseMs: random.pick([60, 150]),
      deletesShare: random.pick([0.1, 0.4]),
    })),
    readers: times(1 + random.integer(2), (i) => `s${i}`),
    followed: random.chance(0.5),
    tombstoneMs,
  }
}

function drawProducer(random: SeededRandom, name: string): ProducerPlan {
  const idempotent = random.chance(0.7)
  return {
    name,
    acks: idempotent ? -1 : random.pick([-1, 1]),
    idempotent,
    codec: random.pick(['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd']),
    lingerMs: random.pick([0, 0, 5, 20]),
    pauseMs: random.pick([20, 50, 100]),
  }
}

function drawGroup(random: SeededRandom, name: string, durationMs: number): GroupPlan {
  // A stream of its own: what is drawn after the group does not depend on it.
  const ofGroup = random.fork(name)
  const isStatic = ofGroup.chance(0.3)
  const members = times(1 + random.integer(3), (i): MemberPlan => {
    const joinsAtMs = random.integer(durationMs >> 1)
    const atMs = joinsAtMs + random.integer(durationMs)
    const goes = { atMs, how: random.pick(['leave', 'kill'] as const) }
    return {
      name: `${name}m${i}`,
      joinsAtMs,
      // The first stays, so that somebody reads to the end.
      goes: i === 0 || random.chance(0.4) ? undefined : goes,
      instanceId: isStatic ? `instance ${i}` : undefined,
      backAfterMs: ofGroup.chance(0.5) ? ofGroup.integer(1_500) : undefined,
    }
  })
  const fallback = random.pick(['range', 'roundrobin'] as const)
  const assignors = ofGroup.pick<readonly AssignorName[]>([
    [fallback],
    ['sticky'],
    ['cooperative-sticky'],
    ['cooperative-sticky'],
    ['cooperative-sticky', fallback],
  ])
  return { name, assignors, members }
}

function drawBroker(random: SeededRandom): Record<string, string> {
  const config: Record<string, string> = {
    'log.dirs': 'data',
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': `${1 + random.integer(3)}`,
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '500',
    'log.index.interval.bytes': random.pick(['200', '4096']),
    'log.flush.offset.checkpoint.interval.ms': random.pick(['300', '60000']),
    'log.segment.delete.delay.ms': '200',
  }
  const flush = random.pick(['never', 'never', 'each', 'often'])
  if (flush === 'each') config['log.flush.interval.messages'] = '1'
  if (flush === 'often') config['log.flush.interval.ms'] = '200'
  return config
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
