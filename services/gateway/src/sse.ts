// Server-sent events: the text of one event (WHATWG HTML, 9.2). Lines end with \n; an event ends with an
// empty line; `data` may not hold a line break, which JSON without spaces never does.
//
//   retry: 1000            event: record
//                          id: <cursor>
//                          data: {"partition":0,"offset":41,...}

/** How long a client waits before it comes back, in milliseconds. */
export const retryMs = 1000

/** The first thing on a stream: how soon to come back. */
export const opening = `retry: ${retryMs}\n\n`

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

/** A heartbeat also holds a comment line, so that clients that ignore the event still see traffic. */
export function encodeHeartbeat(id: string, data: string): string {
  return `: heartbeat\n${encodeEvent({ event: 'heartbeat', id, data })}`
}
