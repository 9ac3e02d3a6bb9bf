// The log that the sweep (sweep.ts) works on, and its neighbour in another log directory: on the machine's own
// disk, without a broker. What the record at an offset must be is known beforehand, so that whoever opens the
// log later can hold it to what was acknowledged.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { topicConfig } from '@sluice/core/config/topic-config'
import { type Logger, silentLogger } from '@sluice/core/host/logger'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeDisk } from '@sluice/core/host/node/disk'
import type { Log } from '@sluice/core/log/log'
import { LogManager } from '@sluice/core/log/log-manager'
import { keyed, type Pairs } from '../../core/log/compacted.ts'
import { append, batch } from '../../core/log/fixture.ts'

/** Nothing goes to the thread pool because strace is slow. */
const patientDisk = { slowReadMs: 600_000, slowWriteMs: 600_000 }
const producerId = 7
export const oldTopicId = 'AAAAAAAAAAAAAAAAAAAAAg'
export const newTopicId = 'AAAAAAAAAAAAAAAAAAAAAw'
const settings: Readonly<Record<string, Record<string, string>>> = {
  plain: {
    'internal.segment.bytes': '500',
    'index.interval.bytes': '100',
    'retention.bytes': '900',
  },
  compacted: {
    'cleanup.policy': 'compact',
    'internal.segment.bytes': '500',
    'index.interval.bytes': '150',
    'min.cleanable.dirty.ratio': '0',
    'delete.retention.ms': '1',
  },
}

export type Kind = 'plain' | 'compacted'

export interface WorldOptions {
  readonly folder: string
  readonly kind: Kind
  readonly topicId?: string
  readonly logger?: Logger
}

export class SweepWorld {
  readonly clock = new NodeClock()
  readonly manager: LogManager
  readonly #kind: Kind
  /** By the names of their topics. */
  readonly #logs = new Map<string, Log>()

  /** The folders; no log is open yet. */
  static async open(options: WorldOptions): Promise<SweepWorld> {
    const { folder, kind, logger = silentLogger } = options
    const clock = new NodeClock()
    const manager = await LogManager.open({
      clock,
      random: new SeededRandom(7),
      disk: new NodeDisk('.', patientDisk),
      logger,
      config: configOf(folder),
      nodeId: 1,
    })
    return new SweepWorld(manager, kind)
  }

  private constructor(manager: LogManager, kind: Kind) {
    this.manager = manager
    this.#kind = kind
  }

  /** The log that is worked on. */
  get log(): Log {
    return this.#logs.get('t') as Log
  }

  async openLog(topic: 't' | 'other', topicId = oldTopicId): Promise<Log> {
    const [a, b] = this.manager.dirs
    const request = { topic, topicId, partition: 0 }
    this.manager.prefer(request, topic === 't' ? a : b)
    const config = topicConfig(configOf(''), settings[topic === 't' ? this.#kind : 'plain'])
    const log = await this.manager.create({ ...request, config: () => config })
    this.#logs.set(topic, log)
    return log
  }

  /** The record that stands at `offset`, of a producer that counts as offsets do. @returns where it stands. */
  async append(offset: number, generation = 0, log = this.log): Promise<number> {
    const value = valueAt(offset, generation)
    const request = batch({ value, producerId, producerEpoch: 0, baseSequence: offset })
    const outcome = await append(log, request, 1)
    if (!outcome.ok) throw new Error(outcome.message)
    return outcome.baseOffset
  }

  async appendPairs(pairs: Pairs, baseSequence: number): Promise<number> {
    const timestampMs = 1_000_000 + baseSequence
    const shape = { producerId, producerEpoch: 0, baseSequence, timestampMs }
    const outcome = await append(this.log, keyed(pairs, shape), 1)
    if (!outcome.ok) throw new Error(outcome.message)
    return outcome.baseOffset
  }
}

/** `generation` 1: in the place of another, which was cut. */
export function valueAt(offset: number, generation = 0): string {
  return `${generation === 0 ? 'value' : 'again'} ${offset} `.padEnd(40, '.')
}

export function configOf(folder: string) {
  const result = brokerConfig({ 'log.dirs': `${join(folder, 'a')},${join(folder, 'b')}` })
  if (!result.ok) throw new Error(result.errors[0].message)
  return result.config
}

/** The last segment of the log, by its path. */
export function lastSegment(folder: string): string {
  const home = join(folder, 'a', 't-0')
  const logs = readdirSync(home).filter((name) => name.endsWith('.log'))
  return join(home, logs.sort().at(-1) as string)
}
