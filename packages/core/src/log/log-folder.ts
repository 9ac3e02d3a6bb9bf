// What stands in a log's folder when it is opened. What only an interrupted operation leaves behind, and
// files of segments that are gone, are removed on the way; an exchange of segments that was begun is ended.

import { join } from 'node:path/posix'
import type { Clock } from '../host/clock.ts'
import type { Disk, DiskEntry } from '../host/disk.ts'
import { isLeftover, parseSegmentFileName, type SegmentFileKind } from './file-names.ts'
import { completeSwap, parseSwapName, type SwapContext } from './segment-swap.ts'

export interface SegmentFiles {
  readonly baseOffset: number
  readonly sizeBytes: number
  /** Undefined where there is no such file. */
  readonly offsetIndexBytes: number | undefined
  readonly timeIndexBytes: number | undefined
}

export interface LogFolder {
  /** In the order of their offsets. */
  readonly segments: readonly SegmentFiles[]
  readonly snapshotOffsets: readonly number[]
}

export async function readLogFolder(disk: Disk, clock: Clock, folder: string): Promise<LogFolder> {
  const found = await entriesOf(disk, folder)
  const entries = (await endSwaps({ disk, clock, folder }, found))
    ? await entriesOf(disk, folder)
    : found
  const sizes = new Map<SegmentFileKind, Map<number, number>>()
  const names: { name: string; kind: SegmentFileKind; offset: number }[] = []
  for (const { name, sizeBytes, folder: isFolder } of entries) {
    if (isFolder) continue
    if (isLeftover(name)) await disk.unlink(join(folder, name))
    const file = parseSegmentFileName(name)
    if (file === undefined) continue
    names.push({ name, ...file })
    const ofKind = sizes.get(file.kind) ?? new Map<number, number>()
    sizes.set(file.kind, ofKind.set(file.offset, sizeBytes))
  }
  for (const { name, kind, offset } of names) {
    if (kind === 'log' || kind === 'snapshot') continue
    const owner = kind === 'dedup' ? 'snapshot' : 'log'
    if (!sizes.get(owner)?.has(offset)) await disk.unlink(join(folder, name))
  }
  const logs = [...(sizes.get('log') ?? [])].sort(([a], [b]) => a - b)
  const segments = logs.map(([baseOffset, sizeBytes]) => ({
    baseOffset,
    sizeBytes,
    offsetIndexBytes: sizes.get('index')?.get(baseOffset),
    timeIndexBytes: sizes.get('timeindex')?.get(baseOffset),
  }))
  return { segments, snapshotOffsets: [...(sizes.get('snapshot')?.keys() ?? [])] }
}

async function entriesOf(disk: Disk, folder: string): Promise<DiskEntry[]> {
  return disk.listSmallSync(folder) ?? (await disk.list(folder))
}

/** @returns whether there were any, so that other files may stand there now. */
async function endSwaps(context: SwapContext, entries: readonly DiskEntry[]): Promise<boolean> {
  const { disk, folder } = context
  const names = entries.map(({ name }) => name)
  if (!names.some((name) => name.endsWith('.swap'))) return false
  const swaps = names.map(parseSwapName).filter((base) => base !== undefined)
  for (const base of swaps) {
    const bases = names.flatMap((name) => {
      const file = parseSegmentFileName(name)
      return file?.kind === 'log' ? [file.offset] : []
    })
    await completeSwap(context, base, bases)
  }
  // Indexes of an exchange that was not begun: the log was to be renamed after them.
  for (const name of names) {
    if (/\.(index|timeindex|txnindex)\.swap$/.test(name) && !swapOf(swaps, name)) {
      await disk.unlink(join(folder, name))
    }
  }
  return true
}

function swapOf(swaps: readonly number[], name: string): boolean {
  return swaps.includes(Number(name.slice(0, name.indexOf('.'))))
}
