// DirMoves: logs on their way to another log directory while they are in use (KIP-113, AlterReplicaLogDirs).
//
//   log        | ......................| <- appends      read from where the copy ends
//   copy       | ............... ->                      appended as it is, CRCs checked
//
// When a read comes to the end of the log, appends wait; what came meanwhile is copied, and the copy takes the
// log's place. A move goes on after a restart: what of the copy does not belong to the log any more (a crash
// took it there) is cut off by leader epochs, as a follower does it (KIP-101).

import type { BrokerConfig } from '../config/broker-config.ts'
import { longMax } from '../config/definition.ts'
import type { Clock } from '../host/clock.ts'
import { DiskError } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import { Limiter } from '../lib/limiter.ts'
import { Slices } from '../lib/slices.ts'
import { CopyError } from '../log/copied-batches.ts'
import type { Log } from '../log/log.ts'
import type { LogDir } from '../log/log-dir.ts'
import type { LogManager } from '../log/log-manager.ts'
import type { Partition } from './partition.ts'

/** Read and appended at a time. */
const chunkBytes = 1024 * 1024
/** Chunks between two flushes of a copy: the last flush, for which appends wait, is a short one. */
const chunksAFlush = 64
const throttleStepMs = 100

export interface DirMovesOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly logs: LogManager
  readonly config: () => BrokerConfig
}

class Move {
  readonly partition: Partition
  readonly dir: LogDir
  stopped = false
  done: Promise<void> = Promise.resolve()

  constructor(partition: Partition, dir: LogDir) {
    this.partition = partition
    this.dir = dir
  }

  get over(): boolean {
    return this.stopped || this.partition.closed || this.partition.offline
  }
}

export class DirMoves {
  readonly #options: DirMovesOptions
  readonly #moves = new Map<Partition, Move>()
  readonly #running: Limiter
  /** Bytes copied ahead of the rate. */
  #owedBytes = 0
  #paidAtMs = 0
  #closed = false

  constructor(options: DirMovesOptions) {
    const { logs, config } = options
    this.#options = options
    this.#running = new Limiter(config()['num.replica.alter.log.dirs.threads'] ?? logs.dirs.length)
  }

  /** Moves whose copy is not whole yet. */
  get count(): number {
    return this.#moves.size
  }

  /** Goes on with what an earlier process began. Resolves when the copies are open. */
  async resume(partitions: Iterable<Partition>): Promise<void> {
    const { logs, logger } = this.#options
    for (const partition of partitions) {
      const { topic, index } = partition
      const dir = logs.futures.unfinished({ topic, partition: index })
      if (dir === undefined || partition.offline) continue
      try {
        await this.start(partition, dir)
      } catch (cause) {
        logger.error({ topic, partition: index, cause }, 'a move could not be taken up again')
      }
    }
  }

  /** Resolves when the copy is begun. Another move of the partition ends. Rejects with DiskError. */
  async start(partition: Partition, dir: LogDir): Promise<void> {
    const { logs } = this.#options
    const before = this.#moves.get(partition)
    if (before?.dir === dir) return
    if (before !== undefined) await this.#cancel(before)
    if (this.#closed || logs.dirOf(partition.log) === dir) return
    const move = new Move(partition, dir)
    this.#moves.set(partition, move)
    try {
      const { topic, topicId, index } = partition
      const config = () => partition.config
      const copy = await logs.futures.open({ topic, topicId, partition: index, config }, dir)
      move.done = this.#run(move, copy)
    } catch (error) {
      this.#moves.delete(partition)
      throw error
    }
  }

  /** Resolves when the moves that are under way now are over. */
  async settled(): Promise<void> {
    await Promise.all([...this.#moves.values()].map(({ done }) => done))
  }

  /** The copies stay for the next process. */
  async close(): Promise<void> {
    this.#closed = true
    for (const move of this.#moves.values()) move.stopped = true
    await this.settled()
  }

  async #cancel(move: Move): Promise<void> {
    move.stopped = true
    await move.done
    this.#moves.delete(move.partition)
    await this.#options.logs.futures.remove(move.partition.log)
  }

  async #run(move: Move, copy: Log): Promise<void> {
    const { partition, dir } = move
    const { logger, logs } = this.#options
    const names = { topic: partition.topic, partition: partition.index, to: dir.path }
    try {
      await this.#running.run(() => this.#move(move, copy))
      if (!move.over) logger.info(names, 'log moved to another log directory')
    } catch (cause) {
      if (!move.over || cause instanceof CopyError) {
        logger.error({ ...names, cause }, 'log could not be moved: it stays where it is')
      }
      if (cause instanceof DiskError && cause.path.startsWith(copy.folder)) logs.fail(copy, cause)
      // A full disk and a damaged log are told once: whoever asked can ask again.
      await logs.futures.remove(partition.log).catch(() => {})
    } finally {
      if (this.#moves.get(partition) === move) this.#moves.delete(partition)
    }
  }

  async #move(move: Move, copy: Log): Promise<void> {
    const { partition } = move
    const { logs, clock } = this.#options
    const slices = new Slices(clock)
    await align(copy, partition.log)
    for (let chunks = 1; !move.over; chunks++) {
      const copied = await copyChunk(partition.log, copy)
      if (copied < chunkBytes) break
      if (chunks % chunksAFlush === 0) await copy.flush()
      if (this.#throttled) await this.#throttle(move, copied)
      await slices.pause()
    }
    if (move.over) return
    await copy.flush()
    await partition.replaceLog(async () => {
      while (!move.over && (await copyChunk(partition.log, copy)) > 0) await slices.pause()
      if (move.over) return undefined
      copy.advanceStartOffset(partition.log.startOffset)
      return logs.futures.promote(partition.log, () => partition.config)
    })
  }

  get #throttled(): boolean {
    return this.#options.config()['replica.alter.log.dirs.io.max.bytes.per.second'] < longMax
  }

  /** By replica.alter.log.dirs.io.max.bytes.per.second, all moves together. */
  async #throttle(move: Move, bytes: number): Promise<void> {
    const { clock } = this.#options
    this.#payOff()
    this.#owedBytes += bytes
    while (!move.over && this.#owedBytes > 0) {
      // In steps: a move may be stopped, and the rate altered.
      await new Promise<void>((resolve) => {
        clock.setTimer(throttleStepMs, resolve)
      })
      this.#payOff()
    }
  }

  #payOff(): void {
    const { clock, config } = this.#options
    const nowMs = clock.monotonic()
    const rate = config()['replica.alter.log.dirs.io.max.bytes.per.second']
    if (rate >= longMax) this.#owedBytes = 0
    else this.#owedBytes = Math.max(0, this.#owedBytes - (rate * (nowMs - this.#paidAtMs)) / 1000)
    this.#paidAtMs = nowMs
  }
}

/** Cuts off what the copy has and the log has not, and begins anew where they do not meet. */
async function align(copy: Log, log: Log): Promise<void> {
  while (copy.endOffset > copy.startOffset) {
    const ofLog = log.endOffsetForEpoch(Math.min(copy.latestEpoch, log.latestEpoch))
    const ofCopy = copy.endOffsetForEpoch(ofLog.epoch)
    const common = Math.min(ofLog.endOffset, ofCopy.endOffset)
    if (common <= copy.startOffset || common < log.startOffset) break
    if (common === copy.endOffset) return
    await copy.truncateTo(common)
  }
  await copy.truncateFullyAt(await firstOffset(log))
}

/** Where the first batch begins: records at its beginning may have been deleted. */
async function firstOffset(log: Log): Promise<number> {
  const { startOffset, endOffset } = log
  const read = await log.read({
    offset: startOffset,
    maxBytes: 1,
    upTo: endOffset,
    wholeFirstBatch: true,
  })
  if (!read.ok || read.bytes === 0) return startOffset
  const first = Number(read.records.readBigInt64BE(0))
  read.release()
  return Math.min(first, startOffset)
}

/** @returns the bytes copied: fewer than a chunk where the log has no more. */
async function copyChunk(log: Log, copy: Log): Promise<number> {
  const { endOffset: upTo } = log
  if (copy.endOffset >= upTo) return 0
  const read = await log.read({
    offset: copy.endOffset,
    maxBytes: chunkBytes,
    upTo,
    wholeFirstBatch: true,
  })
  if (!read.ok) {
    // Retention has passed the copy by.
    await align(copy, log)
    return chunkBytes
  }
  try {
    await copy.appendCopied(read.records)
    return copy.endOffset >= upTo ? Math.min(read.bytes, chunkBytes - 1) : chunkBytes
  } finally {
    read.release()
  }
}
