// Records as server-sent events. Every record's event carries the cursor behind it, so that a client that
// comes back with Last-Event-ID goes on with no gap and no duplicate.
//
//   retry, record…, caught-up, record…, heartbeat…, then reconnect (age, shutdown) or error
//
// As many events as are at hand leave in one write.

import type { Clock } from '@sluice/core/host/clock'
import type { LogReader } from './log-reader.ts'
import type { Problem } from './problem.ts'
import { pulledStream } from './pulled-stream.ts'
import type { ReadRecord } from './read-record.ts'
import type { ValueFormat } from './record-text.ts'
import { encodeEvent, encodeHeartbeat, opening } from './sse.ts'
import type { OpenStream, Streams } from './streams.ts'
import type { Traffic } from './traffic.ts'
import type { WalkingCursor } from './walking-cursor.ts'

export interface EventStreamOptions {
  readonly reader: LogReader
  /** Where the reader stood before `first`. */
  readonly cursor: WalkingCursor
  /** What was read already. */
  readonly first: readonly ReadRecord[]
  readonly format: ValueFormat
  readonly recordsMax: number
  readonly clock: Clock
  readonly ageMsMax: number
  readonly heartbeatMs: number
  readonly streams: Streams
  readonly stream: OpenStream
  readonly traffic: Traffic
  readonly problemText: (problem: Problem) => string
  /** Something went wrong that is no problem of the log: a bug. */
  readonly breakOff: (error: unknown) => void
}

/** Of one write. */
const pieceRecordsMax = 500
const pieceBytesMax = 128 * 1024

export function eventStream(options: EventStreamOptions): ReadableStream<Uint8Array> {
  const { stream } = options
  const events = new RecordEvents(options)
  return pulledStream({
    async next() {
      const text = await events.next()
      return text === undefined ? undefined : Buffer.from(text)
    },
    interrupt: () => stream.abort(),
    breakOff: options.breakOff,
    onEnd: () => stream.close(),
  })
}

class RecordEvents {
  readonly #options: EventStreamOptions
  readonly #endsMs: number
  #left: number
  #begun = false
  #caughtUp = false
  #ended = false

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.#endsMs = options.clock.monotonic() + options.ageMsMax
    this.#left = options.recordsMax
  }

  /** The text of the next write; undefined at the end. */
  async next(): Promise<string | undefined> {
    if (!this.#begun) {
      this.#begun = true
      return opening + this.#records(this.#options.first)
    }
    while (!this.#ended) {
      const text = await this.#step()
      if (text !== '') return text
    }
    return undefined
  }

  /** '' where there is nothing to say yet, or the stream has ended. */
  async #step(): Promise<string> {
    const { reader, clock, streams, stream, heartbeatMs, problemText } = this.#options
    if (streams.closing) return this.#reconnect('shutdown')
    const ageLeftMs = this.#endsMs - clock.monotonic()
    if (ageLeftMs <= 0) return this.#reconnect('max_age')
    if (this.#left <= 0 || stream.signal.aborted) return this.#end('')
    const limits = { maxRecords: Math.min(this.#left, pieceRecordsMax), maxBytes: pieceBytesMax }
    const read = await reader.read(limits)
    if (!read.ok) {
      return this.#end(encodeEvent({ event: 'error', data: problemText(read.problem) }))
    }
    const text = this.#records(read.value)
    if (text !== '') return text
    const timeoutMs = Math.min(heartbeatMs, ageLeftMs)
    const woken = await reader.wait({ timeoutMs, signal: stream.signal })
    if (woken || stream.signal.aborted || timeoutMs < heartbeatMs) return ''
    await reader.noticePartitions()
    return encodeHeartbeat(this.#cursor(), this.#tail())
  }

  /** Events of the records, and of having read all there was, the first time that is so. */
  #records(records: readonly ReadRecord[]): string {
    const { cursor, format, reader, traffic } = this.#options
    let text = ''
    for (const record of records) {
      const id = cursor.pass(record.partition, record.offset)
      text += encodeEvent({ event: 'record', id, data: record.text(format) })
    }
    this.#left -= records.length
    traffic.recordsOut += records.length
    traffic.bytesOut += text.length
    if (reader.caughtUp && !this.#caughtUp) {
      this.#caughtUp = true
      text += encodeEvent({ event: 'caught-up', id: this.#cursor(), data: this.#tail() })
    }
    return text
  }

  #reconnect(reason: string): string {
    const data = JSON.stringify({ reason })
    return this.#end(encodeEvent({ event: 'reconnect', id: this.#cursor(), data }))
  }

  #end(text: string): string {
    this.#ended = true
    return text
  }

  /** Everything that was read was sent: the reader's own position. */
  #cursor(): string {
    const { cursor, reader } = this.#options
    return cursor.follow(reader.cursor())
  }

  #tail(): string {
    return JSON.stringify({ high_watermark: this.#options.reader.endOffsets() })
  }
}
