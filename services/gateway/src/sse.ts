// Server-sent events: the text of one event (WHATWG HTML, 9.2), and a stream of records as events. Lines end
// with \n; an event ends with an empty line; `data` may not hold a line break, which JSON without spaces
// never does.
//
//   retry: 1000            event: record
//                          id: <cursor>
//                          data: {"partition":0,"offset":41,...}

import type { ReadRecord } from './read-record.ts'
import type { Framing, ReconnectReason, Standing } from './record-stream.ts'
import type { TextStyle } from './record-text.ts'
import type { WalkingCursor } from './walking-cursor.ts'

/** How long a client waits before it comes back, in milliseconds. */
export const retryMs = 1000

export interface ServerSentEvent {
  readonly event: string
  /** The cursor to resume from once this event was seen. */
  readonly id?: string
  /** One line. */
  readonly data: string
}

export function encodeEvent({ event, id, data }: ServerSentEvent): string {
  return id === undefined
    ? `event: ${event}\ndata: ${data}\n\n`
    : `event: ${event}\nid: ${id}\ndata: ${data}\n\n`
}

/**
 * A whole stream that only says to come back. To an EventSource any status but 200 is the end for good, so
 * that is what one gets that cannot be served just now.
 */
export function comeBackText(reason: string): string {
  return opening + encodeEvent({ event: 'reconnect', data: JSON.stringify({ reason }) })
}

/** How soon to come back is the first thing on a stream. */
const opening = `retry: ${retryMs}\n\n`

/** Every event's id is the cursor behind it: Last-Event-ID resumes there. */
abstract class EventFraming implements Framing {
  readonly opening = opening
  readonly recordsTellCursor = true

  abstract records(records: readonly ReadRecord[], cursor: WalkingCursor, style: TextStyle): string

  caughtUp({ cursor, highWatermark }: Standing): string {
    return encodeEvent({ event: 'caught-up', id: cursor, data: tail(highWatermark) })
  }

  /** Also a comment line, so that clients that ignore the event still see traffic. */
  heartbeat({ cursor, highWatermark }: Standing): string {
    const event = encodeEvent({ event: 'heartbeat', id: cursor, data: tail(highWatermark) })
    return `: heartbeat\n${event}`
  }

  reconnect({ cursor }: Standing, reason: ReconnectReason): string {
    return encodeEvent({ event: 'reconnect', id: cursor, data: JSON.stringify({ reason }) })
  }

  error(_standing: Standing, problem: string): string {
    return encodeEvent({ event: 'error', data: problem })
  }

  end(): string {
    return ''
  }
}

class RecordEvents extends EventFraming {
  records(records: readonly ReadRecord[], cursor: WalkingCursor, style: TextStyle): string {
    let text = ''
    for (const record of records) {
      cursor.pass(record.partition, record.offset)
      text += `event: record\nid: ${cursor.text()}\ndata: ${record.text(style)}\n\n`
    }
    return text
  }
}

class BatchEvents extends EventFraming {
  records(records: readonly ReadRecord[], cursor: WalkingCursor, style: TextStyle): string {
    for (const { partition, offset } of records) cursor.pass(partition, offset)
    const data = `{"records":[${records.map((record) => record.text(style)).join(',')}]}`
    return encodeEvent({ event: 'batch', id: cursor.text(), data })
  }
}

export const recordEvents: Framing = new RecordEvents()
/** As many records in one event as are at hand. */
export const batchEvents: Framing = new BatchEvents()

function tail(highWatermark: string): string {
  return `{"high_watermark":${highWatermark}}`
}
