// Not a benchmark: a connection that keeps so many requests under way and counts the answers without looking into
// them, for benchmarks whose client must cost little.

import { connect, type Socket } from 'node:net'

/** A connection that keeps `depth` requests under way. */
export class Load {
  readonly #socket: Socket
  readonly #frame: () => Buffer
  #answers = 0
  #bytes = 0
  #running = false
  #stopped: (() => void) | undefined
  #inFlight = 0
  /** Of the response being received: what is still to come. */
  #missing = 0
  #header: Buffer = Buffer.alloc(0)

  constructor(socket: Socket, frame: () => Buffer) {
    this.#socket = socket
    this.#frame = frame
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  get answers(): number {
    return this.#answers
  }

  get bytes(): number {
    return this.#bytes
  }

  start(depth: number): void {
    this.#running = true
    for (let i = 0; i < depth; i++) this.#send()
  }

  stop(): Promise<void> {
    this.#running = false
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#stopped = resolve
    })
  }

  #send(): void {
    this.#inFlight += 1
    this.#socket.write(this.#frame())
  }

  #receive(chunk: Buffer): void {
    this.#bytes += chunk.length
    let at = 0
    let answered = 0
    while (at < chunk.length) {
      if (this.#missing === 0) {
        const part = chunk.subarray(at, at + 4 - this.#header.length)
        this.#header = this.#header.length === 0 ? part : Buffer.concat([this.#header, part])
        at += part.length
        if (this.#header.length < 4) break
        this.#missing = this.#header.readInt32BE(0)
        this.#header = Buffer.alloc(0)
      }
      const taken = Math.min(this.#missing, chunk.length - at)
      this.#missing -= taken
      at += taken
      if (this.#missing === 0) answered += 1
    }
    this.#answers += answered
    this.#inFlight -= answered
    if (this.#running) {
      this.#socket.cork()
      for (let i = 0; i < answered; i++) this.#send()
      this.#socket.uncork()
    } else if (this.#inFlight === 0) {
      this.#stopped?.()
    }
  }
}

export function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}
