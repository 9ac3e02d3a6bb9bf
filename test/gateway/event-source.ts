// A client of server-sent events as EventSource is one: it parses the stream, remembers the last id, and
// can be cut off at any byte and come back with Last-Event-ID.

import { type IncomingMessage, request } from 'node:http'

export interface SeenEvent {
  readonly event: string
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came
  readonly data: any
}

export class TestEventSource {
  readonly events: SeenEvent[] = []
  readonly comments: string[] = []
  status = 0
  lastEventId: string | undefined
  ended = false
  readonly #url: string
  readonly #wakers = new Set<() => void>()
  #response: IncomingMessage | undefined
  #generation = 0

  constructor(url: string) {
    this.#url = url
  }

  /** Connects, or comes back. Resolves with the response's head. */
  open(headers: { [name: string]: string } = {}): Promise<IncomingMessage> {
    this.close()
    const generation = this.#generation
    this.ended = false
    return new Promise((resolve, reject) => {
      const resume = this.lastEventId ? { 'last-event-id': this.lastEventId } : {}
      const sent = request(
        this.#url,
        { agent: false, headers: { accept: 'text/event-stream', ...resume, ...headers } },
        (response) => {
          this.#response = response
          this.status = response.statusCode ?? 0
          let pending = ''
          response.setEncoding('utf8')
          response.on('data', (text: string) => {
            if (generation !== this.#generation) return
            const parts = (pending + text).split('\n\n')
            pending = parts.pop() ?? ''
            for (const part of parts) this.#take(part)
            this.#wake()
          })
          response.on('close', () => {
            if (generation === this.#generation) this.ended = true
            this.#wake()
          })
          response.on('error', () => {})
          resolve(response)
        },
      )
      sent.on('error', reject)
      sent.end()
    })
  }

  /** Cuts the connection; what comes after is not seen. */
  close(): void {
    this.#generation += 1
    this.#response?.destroy()
    this.#response = undefined
  }

  /** Stops and goes on taking bytes off the socket. */
  pause(): void {
    this.#response?.pause()
  }

  resume(): void {
    this.#response?.resume()
  }

  records(): SeenEvent[] {
    return this.events.filter(({ event }) => event === 'record')
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wakers.add(resolve)
      })
    }
  }

  #wake(): void {
    for (const wake of this.#wakers) wake()
    this.#wakers.clear()
  }

  #take(part: string): void {
    let event = 'message'
    let id: string | undefined
    let data: string | undefined
    for (const line of part.split('\n')) {
      const colon = line.indexOf(':')
      const value = line.slice(colon + 1).trimStart()
      if (colon === 0) this.comments.push(value)
      else if (line.startsWith('event:')) event = value
      else if (line.startsWith('id:')) id = value
      else if (line.startsWith('data:')) data = value
    }
    if (id !== undefined) this.lastEventId = id
    if (data !== undefined) this.events.push({ event, id, data: JSON.parse(data) as unknown })
  }
}
