// Records as text/plain: values byte for byte, one a line. A null value is an empty line.

import type { Clock } from '@sluice/core/host/clock'
import type { LogReader } from './log-reader.ts'
import type { Problem } from './problem.ts'
import { pulledStream } from './pulled-stream.ts'
import type { ReadRecord } from './read-record.ts'
import type { OpenStream } from './streams.ts'
import type { Traffic } from './traffic.ts'

export interface TextStreamOptions {
  /** What was read already. */
  readonly first: readonly ReadRecord[]
  readonly recordsMax: number
  /** Of all records together; one is always given. */
  readonly bytesMax: number
  /** Wait for more when all is read. */
  readonly follow: boolean
  readonly clock: Clock
  readonly ageMsMax: number
  readonly stream: OpenStream
  readonly traffic: Traffic
  /** There is no place for a problem in a text that has begun: the connection is broken off. */
  readonly breakOff: (problem: Problem | undefined) => void
}

/** Of one write. */
const pieceRecordsMax = 10_000
const pieceBytesMax = 256 * 1024
const newline = 0x0a

export function textStream(
  reader: LogReader,
  options: TextStreamOptions,
): ReadableStream<Uint8Array> {
  const { follow, clock, stream, traffic, breakOff } = options
  const endsMs = clock.monotonic() + options.ageMsMax
  // Not kept in `options`: what was read first is let go of once it was sent.
  let pending = options.first
  let recordsLeft = options.recordsMax
  let bytesLeft = options.bytesMax
  let begun = false

  /** Empty at the end. */
  async function read(): Promise<readonly ReadRecord[]> {
    const limits = {
      maxRecords: Math.min(recordsLeft, pieceRecordsMax),
      maxBytes: Math.min(bytesLeft, pieceBytesMax),
    }
    for (;;) {
      const timeoutMs = endsMs - clock.monotonic()
      if (follow && timeoutMs <= 0) return []
      const found = await reader.read(limits)
      if (!found.ok) throw new BrokenOff(found.problem)
      if (found.value.length > 0) return found.value
      if (!follow && (reader.finished || reader.caughtUp)) return []
      if (!(await reader.wait({ timeoutMs, signal: stream.signal }))) return []
    }
  }

  return pulledStream({
    async next() {
      if (recordsLeft <= 0 || bytesLeft <= 0) return undefined
      const records = pending.length > 0 ? pending : await read()
      pending = []
      if (records.length === 0) return undefined
      const bytes = records.reduce((sum, record) => sum + record.bytes, 0)
      // A read always gives one record; only the very first may be too large.
      if (begun && bytes > bytesLeft) return undefined
      begun = true
      const lines = linesOf(records)
      bytesLeft -= bytes
      recordsLeft -= records.length
      traffic.recordsOut += records.length
      traffic.bytesOut += lines.length
      return lines
    },
    interrupt: () => stream.abort(),
    breakOff: (error) => breakOff(error instanceof BrokenOff ? error.problem : undefined),
    onEnd: () => stream.close(),
  })
}

class BrokenOff extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

function linesOf(records: readonly ReadRecord[]): Buffer {
  let bytes = 0
  for (const { record } of records) bytes += (record.value?.length ?? 0) + 1
  const lines = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const { record } of records) {
    if (record.value) {
      lines.set(record.value, at)
      at += record.value.length
    }
    lines[at] = newline
    at += 1
  }
  return lines
}
