// Records as a stream that may never end, and that a client resumes at a cursor with no gap and no
// duplicate. How it is written is the framing's matter: server-sent events (sse.ts) or NDJSON (ndjson.ts).
//
//   opening, records…, caught up, records…, heartbeat…, then reconnect (age, shutdown, slow), error or end
//
// As many records as are at hand leave in one write; the log is read from when the last write was taken.

import type { Clock } from '@sluice/core/host/clock'
import type { LogReader } from './log-reader.ts'
import type { Problem } from './problem.ts'
import { pulledStream } from './pulled-stream.ts'
import type { ReadRecord } from './read-record.ts'
import { offsetsText, type TextStyle } from './record-text.ts'
import type { OpenStream, Streams } from './streams.ts'
import type { Traffic } from './traffic.ts'
import type { WalkingCursor } from './walking-cursor.ts'

export type ReconnectReason = 'max_age' | 'shutdown' | 'slow'

/** Where a stream stands, behind all that it has sent. */
export interface Standing {
  readonly cursor: string
  /** JSON: the end offsets by partition. */
  readonly highWatermark: string
  readonly caughtUp: boolean
}

/** How a stream is written; each method gives whole events or lines, '' for none. */
export interface Framing {
  readonly opening: string
  /** Whether records say where the stream stands behind them. */
  readonly recordsTellCursor: boolean
  records(records: readonly ReadRecord[], cursor: WalkingCursor, style: TextStyle): string
  /** For the first time everything that is there has been sent. */
  caughtUp(standing: Standing): string
  heartbeat(standing: Standing): string
  reconnect(standing: Standing, reason: ReconnectReason): string
  /** `problem` as JSON. */
  error(standing: Standing, problem: string): string
  /** All that was asked for has been sent. */
  end(standing: Standing): string
}

export interface RecordStreamOptions {
  readonly framing: Framing
  readonly reader: LogReader
  /** Where the reader stood before `first`. */
  readonly cursor: WalkingCursor
  /** What was read already. */
  readonly first: readonly ReadRecord[]
  readonly style: TextStyle
  readonly recordsMax: number
  /** Of all records together; one is always given. */
  readonly bytesMax: number
  /** Go on when all is read. */
  readonly follow: boolean
  readonly clock: Clock
  readonly ageMsMax: number
  readonly heartbeatMs: number
  readonly slowMs: number
  readonly streams: Streams
  readonly stream: OpenStream
  readonly traffic: Traffic
  readonly problemText: (problem: Problem) => string
  /** Something went wrong that is no problem of the log: a bug. */
  readonly breakOff: (error: unknown) => void
}

/** Of one write: it is what a client that does not read can make us hold. */
const pieceRecordsMax = 500
const pieceBytesMax = 128 * 1024

export function recordStream(options: RecordStreamOptions): ReadableStream<Uint8Array> {
  const { stream } = options
  const pieces = new RecordPieces(options)
  return pulledStream({
    async next() {
      const text = await pieces.next()
      return text === undefined ? undefined : Buffer.from(text)
    },
    interrupt: () => stream.abort(),
    breakOff: options.breakOff,
    onEnd: () => stream.close(),
  })
}

class RecordPieces {
  readonly #options: Omit<RecordStreamOptions, 'first'>
  /** Let go of once it was sent. */
  #first: readonly ReadRecord[]
  readonly #endsMs: number
  #recordsLeft: number
  #bytesLeft: number
  #begun = false
  /** A record was. */
  #sent = false
  #caughtUp = false
  #ended = false
  /** When the client last heard where the stream stands, when partitions were last counted. */
  #toldMs: number
  #countedMs: number
  /** When the last piece was handed to the socket, which asks for the next one once it has taken that. */
  #handedMs: number

  constructor({ first, ...options }: RecordStreamOptions) {
    this.#options = options
    this.#first = first
    const nowMs = options.clock.monotonic()
    this.#endsMs = nowMs + options.ageMsMax
    this.#toldMs = nowMs
    this.#countedMs = nowMs
    this.#handedMs = nowMs
    this.#recordsLeft = options.recordsMax
    this.#bytesLeft = options.bytesMax
  }

  /** The text of the next write; undefined at the end. */
  async next(): Promise<string | undefined> {
    const { clock, slowMs } = this.#options
    if (this.#begun && !this.#ended && clock.monotonic() - this.#handedMs > slowMs) {
      return this.#end(this.#options.framing.reconnect(this.#standing(), 'slow'))
    }
    while (!this.#ended) {
      const text = this.#begun ? await this.#step() : this.#open()
      this.#handedMs = clock.monotonic()
      if (text !== '') return text
    }
    return undefined
  }

  #open(): string {
    const { framing, follow, reader } = this.#options
    const first = this.#first
    this.#first = []
    this.#begun = true
    if (!follow) reader.endHere()
    return framing.opening + this.#records(first)
  }

  /** '' where there is nothing to say yet, or the stream has ended. */
  async #step(): Promise<string> {
    const { reader, framing, clock, streams, stream, follow, problemText } = this.#options
    if (streams.closing) return this.#end(framing.reconnect(this.#standing(), 'shutdown'))
    if (stream.signal.aborted) return this.#end('')
    const nowMs = clock.monotonic()
    if (nowMs >= this.#endsMs) return this.#end(framing.reconnect(this.#standing(), 'max_age'))
    if (this.#recordsLeft <= 0 || this.#bytesLeft <= 0) return this.#finish()
    const read = await reader.read({
      maxRecords: Math.min(this.#recordsLeft, pieceRecordsMax),
      maxBytes: Math.min(this.#bytesLeft, pieceBytesMax),
      atLeastOne: this.#bytesLeft === Number.POSITIVE_INFINITY || !this.#sent,
    })
    if (!read.ok) return this.#end(framing.error(this.#standing(), problemText(read.problem)))
    const text = this.#records(read.value)
    if (text !== '') return text + this.#heartbeatWhenDue(nowMs)
    if (reader.finished || (!follow && reader.caughtUp)) return this.#finish()
    const full = this.#bytesLeft < pieceBytesMax && this.#sent && !reader.caughtUp
    if (full) return this.#finish()
    return this.#heartbeatWhenDue(nowMs) || this.#wait(nowMs)
  }

  async #wait(nowMs: number): Promise<string> {
    const { reader, stream, heartbeatMs } = this.#options
    const timeoutMs = Math.min(this.#toldMs + heartbeatMs, this.#endsMs) - nowMs
    await reader.wait({ timeoutMs, signal: stream.signal })
    if (nowMs - this.#countedMs < heartbeatMs) return ''
    this.#countedMs = nowMs
    await reader.noticePartitions()
    return ''
  }

  /** Records, and that they were all there was, the first time that is so. */
  #records(records: readonly ReadRecord[]): string {
    const { cursor, framing, style, reader, traffic, follow } = this.#options
    if (records.length === 0 && (this.#caughtUp || !reader.caughtUp)) return ''
    let text = records.length > 0 ? framing.records(records, cursor, style) : ''
    for (const { bytes } of records) this.#bytesLeft -= bytes
    if (records.length > 0) this.#sent = true
    this.#recordsLeft -= records.length
    traffic.recordsOut += records.length
    traffic.bytesOut += text.length
    let told = framing.recordsTellCursor
    if (follow && reader.caughtUp && !this.#caughtUp) {
      this.#caughtUp = true
      text += framing.caughtUp(this.#standing())
      told = true
    }
    if (told) this.#toldMs = this.#options.clock.monotonic()
    return text
  }

  #heartbeatWhenDue(nowMs: number): string {
    const { framing, heartbeatMs } = this.#options
    if (nowMs - this.#toldMs < heartbeatMs) return ''
    this.#toldMs = nowMs
    return framing.heartbeat(this.#standing())
  }

  #finish(): string {
    return this.#end(this.#options.framing.end(this.#standing()))
  }

  #end(text: string): string {
    this.#ended = true
    return text
  }

  /** Everything that was read was sent, so it is the reader's own position. */
  #standing(): Standing {
    const { cursor, reader, style } = this.#options
    return {
      cursor: cursor.follow(reader.cursor()),
      highWatermark: offsetsText(reader.endOffsets(), style.bigint),
      caughtUp: reader.caughtUp,
    }
  }
}
