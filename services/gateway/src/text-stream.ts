// Records as text/plain: values byte for byte, one a line. A null value is an empty line.

import type { LogReader, ReadLimits } from './log-reader.ts'
import { pulledStream } from './pulled-stream.ts'
import type { ReadRecord } from './read-record.ts'
import type { OpenStream } from './streams.ts'
import type { Traffic } from './traffic.ts'

export interface TextStreamOptions {
  /** What was read already. */
  readonly first: readonly ReadRecord[]
  readonly recordsMax: number
  /** Of one piece. */
  readonly bytesMax: number
  /** Wait for more when all is read. */
  readonly follow: boolean
  readonly ageMsMax: number
  readonly stream: OpenStream
  readonly traffic: Traffic
}

const pieceRecordsMax = 10_000
const newline = 0x0a

export function textStream(
  reader: LogReader,
  options: TextStreamOptions,
): ReadableStream<Uint8Array> {
  const { follow, ageMsMax, stream, bytesMax, traffic } = options
  let pending: readonly ReadRecord[] | undefined = options.first
  let left = options.recordsMax

  async function nextRecords(): Promise<readonly ReadRecord[]> {
    const limits: ReadLimits = { maxRecords: Math.min(left, pieceRecordsMax), maxBytes: bytesMax }
    for (;;) {
      const read = await reader.read(limits)
      if (!read.ok) throw new Error(read.problem.detail)
      if (read.value.length > 0) return read.value
      if (!follow && (reader.finished || reader.caughtUp)) return []
      if (!(await reader.wait({ timeoutMs: ageMsMax, signal: stream.signal }))) return []
    }
  }

  return pulledStream({
    async next() {
      if (left <= 0) return undefined
      const records = pending && pending.length > 0 ? pending : await nextRecords()
      pending = undefined
      if (records.length === 0) return undefined
      left -= records.length
      traffic.recordsOut += records.length
      const lines = linesOf(records)
      traffic.bytesOut += lines.length
      return lines
    },
    interrupt: () => stream.abort(),
    onEnd: () => stream.close(),
  })
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
