// What a log does, one operation at a time, for the sweep: how the log is made ready for it, and the steps of it
// with what is promised after each. The steps run in a process that may be killed at any of its system calls.

import { appendFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { encodeBatch } from '@sluice/protocol/records/record'
import { clean, type Pairs } from '../../core/log/compacted.ts'
import { type Kind, lastSegment, newTopicId, type SweepWorld } from './sweep-world.ts'

/** What the process says while it works, a line each. */
export type Event =
  | { readonly acknowledged: number }
  /** Records below are deleted for good. */
  | { readonly start: number }
  /** Records from there on may be cut off; `done`: they are. */
  | { readonly cut: number; readonly done: boolean }
  | { readonly made: string }
  /** A step that failed, with all its causes. */
  | { readonly failed: string; readonly step: string }
  | { readonly other: string }
  | { readonly over: true }

/** What is done and, where it is, promised. */
export interface Step {
  readonly name: string
  readonly before?: Event
  readonly run: (world: SweepWorld) => Promise<unknown>
  readonly promise?: Event
}

export interface Operation {
  readonly kind: Kind
  readonly prepared: number
  /** With the log as it is prepared, flushed and open still. */
  readonly prepare?: (world: SweepWorld) => Promise<void>
  /** The process before did not close its logs. */
  readonly crashed?: boolean
  /** Of what it left. */
  readonly damage?: (folder: string) => void
  readonly steps: readonly Step[]
}

const torn = encodeBatch({
  records: [{ timestamp: 0, key: null, value: Buffer.alloc(200, 'x') }],
}).subarray(0, 150)

function appending(from: number, count: number, generation = 0): Step[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `append ${from + i}`,
    run: (world: SweepWorld) => world.append(from + i, generation),
    promise: { acknowledged: from + i },
  }))
}

const flush: Step = { name: 'flush', run: ({ log }) => log.flush() }

/** The records of a compacted log, in batches: keys that come again and some that are deleted. */
export const pairsOfBatches: readonly Pairs[] = [
  ...Array.from(
    { length: 14 },
    (_, i): Pairs => [
      [`k${i % 4}`, `v${i}`.padEnd(30, '.')],
      [`gone${i % 2}`, i < 6 ? `w${i}` : null],
    ],
  ),
  ...Array.from(
    { length: 10 },
    (_, i): Pairs => [[`k${i % 3}`, i === 4 ? null : `late${i}`.padEnd(30, '.')]],
  ),
]
/** Before these the log was compacted once. */
const lateFrom = 8

async function appendBatches(world: SweepWorld, from: number, to: number): Promise<void> {
  let sequence = pairsOfBatches.slice(0, from).flat().length
  for (const pairs of pairsOfBatches.slice(from, to)) {
    await world.appendPairs(pairs, sequence)
    sequence += pairs.length
  }
}

export const operations: Readonly<Record<string, Operation>> = {
  append: { kind: 'plain', prepared: 1, steps: [...appending(1, 2), flush] },
  roll: { kind: 'plain', prepared: 2, steps: [...appending(2, 7), flush] },
  truncate: {
    kind: 'plain',
    prepared: 10,
    steps: [
      {
        name: 'truncate',
        before: { cut: 4, done: false },
        run: ({ log }) => log.truncateTo(4),
        promise: { cut: 4, done: true },
      },
      ...appending(4, 2, 1),
      flush,
    ],
  },
  'delete records': {
    kind: 'plain',
    prepared: 8,
    steps: [
      {
        name: 'delete records',
        run: async ({ log, manager }) => {
          log.advanceStartOffset(5)
          await manager.checkpointStartOffsets()
          // As DeleteRecords asks, before it is answered.
          const failure = manager.dirAt(dirname(log.folder))?.failure
          if (failure !== undefined) throw failure
        },
        promise: { start: 5 },
      },
      { name: 'retention', run: ({ log }) => log.applyRetention(0, log.endOffset) },
      ...appending(8, 1),
      flush,
    ],
  },
  recover: {
    kind: 'plain',
    prepared: 8,
    crashed: true,
    damage: (folder) => appendFileSync(lastSegment(folder), torn),
    steps: [...appending(8, 1), flush],
  },
  compact: {
    kind: 'compacted',
    prepared: pairsOfBatches.flat().length,
    async prepare(world) {
      await appendBatches(world, 0, lateFrom)
      await clean(world.log, world.clock)
      // A tombstone's time is over before the second cleaning begins.
      await new Promise((resolve) => setTimeout(resolve, 5))
      await appendBatches(world, lateFrom, pairsOfBatches.length)
    },
    steps: [{ name: 'compact', run: ({ log, clock }) => clean(log, clock) }],
  },
  checkpoint: {
    kind: 'plain',
    prepared: 5,
    steps: [
      ...appending(5, 1),
      flush,
      { name: 'checkpoint', run: ({ manager }) => manager.checkpoint() },
    ],
  },
  'delete topic': {
    kind: 'plain',
    prepared: 6,
    steps: [
      { name: 'delete', run: ({ manager, log }) => manager.delete(log) },
      {
        name: 'make again',
        before: { made: newTopicId },
        run: (world) => world.openLog('t', newTopicId),
      },
      ...appending(0, 2, 1),
      flush,
    ],
  },
  close: {
    kind: 'plain',
    prepared: 4,
    steps: [...appending(4, 4), { name: 'close', run: ({ manager }) => manager.close() }],
  },
}
