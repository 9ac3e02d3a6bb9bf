// What a seed does: topics, clients and configs, drawn before the run.

import type { SeededRandom } from '@sluice/core/host/memory/random'
import type { AssignorName } from '@sluice/core/kafka-client/assignors'
import type { Codec } from '@sluice/protocol/records/batch'
import { drawFaults, type FaultPlan } from './faults.ts'

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
  /** Whether topics are created and deleted beside the others. */
  readonly passingTopics: boolean
  /** Whether old records are deleted. */
  readonly trims: boolean
  readonly faultPlan: FaultPlan
}

export function drawPlan(random: SeededRandom): Plan {
  const durationMs = 1_000 + random.integer(4_000)
  const producers = times(1 + random.integer(3), (i) => drawProducer(random, `p${i}`))
  const readers = times(random.integer(2), (i) => `r${i}`)
  const groups = times(random.integer(2), (i) => drawGroup(random, `g${i}`, durationMs))
  const members = groups.flatMap((group) => group.members.map(({ name }) => name))
  const clients = [...producers.map(({ name }) => name), ...readers, ...members]
  return {
    durationMs,
    broker: drawBroker(random),
    segmentBytes: random.pick([2_000, 8_000, 1_000_000]),
    topics: times(1 + random.integer(2), (i) => ({
      name: `t${i}`,
      partitions: 1 + random.integer(3),
    })),
    producers,
    readers,
    groups,
    passingTopics: random.chance(0.3),
    trims: random.chance(0.3),
    faultPlan: drawFaults(random, { durationMs, clients, powerLoss: random.chance(0.4) }),
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
