// Kafka's checkpoint files: a version, a number of lines, the lines. Whole files are replaced at once,
// so one is either there or not; one that does not read is treated as not there.
//
//   0                      0
//   2                      2
//   orders 0 1200          3 0        <- leader epoch, its first offset
//   orders 1 900           5 4711
//   (offsets by partition)

import type { Disk } from '../host/disk.ts'
import { readIfThere } from './small-files.ts'

const version = '0'

/** The fields of each line, or undefined where the file is not there or not whole. */
export async function readCheckpoint(
  disk: Disk,
  path: string,
  fieldsPerLine: number,
): Promise<string[][] | undefined> {
  const text = (await readIfThere(disk, path))?.toString('utf8')
  if (text === undefined) return undefined
  const [head, count, ...lines] = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (head !== version || count !== String(lines.length)) return undefined
  const entries = lines.map((line) => line.split(' '))
  return entries.every((entry) => entry.length === fieldsPerLine) ? entries : undefined
}

export function writeCheckpoint(
  disk: Disk,
  path: string,
  entries: readonly (readonly (string | number)[])[],
): Promise<void> {
  const lines = entries.map((fields) => `${fields.join(' ')}\n`)
  return disk.replaceFile(path, Buffer.from(`${version}\n${entries.length}\n${lines.join('')}`))
}

/** A whole number as checkpoints have it, else undefined. */
export function parseOffset(text: string): number | undefined {
  const value = Number(text)
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined
}
