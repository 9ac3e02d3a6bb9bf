// Streams: the reads that last (streams, long polls). There is a limit to them, and when the gateway closes
// each is told, so that it can say where it stood.

import type { Traffic } from './traffic.ts'

export interface OpenStream {
  /** Aborted when the reader has gone or the gateway closes. */
  readonly signal: AbortSignal
  /** Ends what waits on it. */
  abort(): void
  /** It is over; idempotent. */
  close(): void
}

export class Streams {
  readonly #open = new Set<AbortController>()
  readonly #limit: number
  readonly #traffic: Traffic
  #emptied: (() => void) | undefined
  #closing = false

  constructor(limit: number, traffic: Traffic) {
    this.#limit = limit
    this.#traffic = traffic
  }

  get closing(): boolean {
    return this.#closing
  }

  /** undefined: there are as many as there may be. */
  open(): OpenStream | undefined {
    if (this.#open.size >= this.#limit) return undefined
    const controller = new AbortController()
    if (this.#closing) controller.abort()
    this.#open.add(controller)
    this.#traffic.streamsOpen = this.#open.size
    return {
      signal: controller.signal,
      abort: () => controller.abort(),
      close: () => this.#close(controller),
    }
  }

  /** Tells all of them to end; resolves when they have. */
  closeAll(): Promise<void> {
    this.#closing = true
    for (const controller of this.#open) controller.abort()
    if (this.#open.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#emptied = resolve
    })
  }

  #close(controller: AbortController): void {
    this.#open.delete(controller)
    this.#traffic.streamsOpen = this.#open.size
    if (this.#open.size === 0) this.#emptied?.()
  }
}
