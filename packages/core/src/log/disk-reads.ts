// Reading, written once for both ways of doing it. What reads is a generator that yields each read it
// needs; runReads carries them out from the loop while the bytes are believed to be in the page cache, and
// goes over to the thread pool at the first that is not. Its result is then a promise.

import type { DiskFile } from '../host/disk.ts'

export interface DiskRead {
  readonly file: DiskFile
  /** Filled from `position`; the generator gets the number of bytes back. */
  readonly target: Uint8Array
  readonly position: number
  /** Believed to be in the page cache: worth no hop to the thread pool. */
  readonly resident: boolean
}

export type Reading<T> = Generator<DiskRead, T, number>

export function runReads<T>(reading: Reading<T>): T | Promise<T> {
  let step = reading.next()
  while (step.done !== true) {
    if (!step.value.resident) return runReadsLater(reading, step.value)
    step = readNow(reading, step.value)
  }
  return step.value
}

async function runReadsLater<T>(reading: Reading<T>, first: DiskRead): Promise<T> {
  let read = first
  for (;;) {
    const step = read.resident ? readNow(reading, read) : await readLater(reading, read)
    if (step.done === true) return step.value
    read = step.value
  }
}

function readNow<T>(reading: Reading<T>, read: DiskRead): IteratorResult<DiskRead, T> {
  let bytes: number
  try {
    bytes = read.file.readSync(read.target, read.position)
  } catch (error) {
    return reading.throw(error)
  }
  return reading.next(bytes)
}

async function readLater<T>(
  reading: Reading<T>,
  read: DiskRead,
): Promise<IteratorResult<DiskRead, T>> {
  let bytes: number
  try {
    bytes = await read.file.read(read.target, read.position)
  } catch (error) {
    return reading.throw(error)
  }
  return reading.next(bytes)
}
