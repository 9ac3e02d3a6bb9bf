// What a crash leaves of the exchange of segments for the cleaned one that was made of them, and bringing it
// to an end when the log is opened. The exchange goes forward only, each step before the next on the disk:
//
//   b.log.cleaned            is being written            gone at the next start: nothing has happened
//   b.log.swap               written and flushed         the exchange counts from here on
//   a, b, c.log.deleted      oldest first                those that b.log.swap covers
//   b.log                    the new one                 the exchange is over
//
// The new segment ends where the last of the old ones ended (its last batch stays, if only as an empty
// one), so it tells by itself which others it covers: none of them may be seen again beside it, for what was
// deleted would be back.

import type { Clock } from '../host/clock.ts'
import type { Disk } from '../host/disk.ts'
import { scanBatches } from './batch-scan.ts'
import { lastOffsetAt } from './batch-selection.ts'
import { type SegmentFileKind, segmentFileName } from './file-names.ts'
import { SegmentNames } from './segment-names.ts'

export interface SwapContext {
  readonly disk: Disk
  readonly clock: Clock
  readonly folder: string
}

/** Kinds that are made anew from the log where they are missing. */
const rebuilt: readonly SegmentFileKind[] = ['index', 'timeindex']

/** Ends the exchange for `<swapBase>.log.swap`; `bases` are those of the segments in use. */
export async function completeSwap(
  { disk, clock, folder }: SwapContext,
  swapBase: number,
  bases: readonly number[],
): Promise<void> {
  const swap = new SegmentNames({ disk, folder, baseOffset: swapBase, suffix: '.swap' })
  const endOffset = await endOffsetOf(swap, clock, swapBase)
  const covered = bases.filter((base) => base >= swapBase && base < endOffset)
  for (const base of covered.sort((a, b) => a - b)) {
    // The log of the same name is replaced below, so that a crash in between finds the exchange again.
    const others: SegmentFileKind[] = base === swapBase ? [] : ['log', 'txnindex']
    const old = new SegmentNames({ disk, folder, baseOffset: base })
    await old.unlink([...others, ...rebuilt])
  }
  await swap.unlink(rebuilt)
  await swap.rename('')
  await disk.flushFolder(folder)
}

/** `<base>.log.swap` -> base. */
export function parseSwapName(name: string): number | undefined {
  const match = /^(\d{20})\.log\.swap$/.exec(name)
  const base = Number(match?.[1])
  return match !== null &&
    Number.isSafeInteger(base) &&
    name === `${segmentFileName(base, 'log')}.swap`
    ? base
    : undefined
}

async function endOffsetOf(swap: SegmentNames, clock: Clock, baseOffset: number): Promise<number> {
  const file = swap.open('log', false)
  let endOffset = baseOffset + 1
  try {
    const visit = (buffer: Buffer, at: number) => {
      endOffset = lastOffsetAt(buffer, at) + 1
      return true
    }
    await scanBatches({ file, clock, from: 0, to: file.sizeBytes, visit })
  } finally {
    await file.close()
  }
  return endOffset
}
