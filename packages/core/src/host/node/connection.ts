// A TCP connection over a Node socket. Whoever made the socket feeds `receive`; this class does the rest.

import type { Socket } from 'node:net'
import type { Address, Connection, ConnectionHandler } from '../network.ts'
import { networkError } from './network-errors.ts'

/** write() returns false from here on. */
export const highWaterMarkBytes = 1024 * 1024
/** How long a peer may keep its side open after we ended ours. */
const lingerMs = 5_000

export class NodeConnection implements Connection {
  readonly remote: Address
  readonly local: Address
  readonly #socket: Socket
  #handler: ConnectionHandler | undefined
  #state: 'open' | 'ended' | 'closed' = 'open'
  #error: Error | undefined
  #linger: NodeJS.Timeout | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 }
  }

  /** Before anything else is called. */
  attach(handler: ConnectionHandler): void {
    this.#handler = handler
    const socket = this.#socket
    socket.on('drain', () => {
      if (this.#state !== 'closed') handler.onDrain?.()
    })
    socket.on('error', (error) => {
      this.#error ??= networkError(error, `${this.remote.host}:${this.remote.port}`)
    })
    // The peer has ended: Node sends what is pending and ends our side, too.
    socket.on('end', () => this.#endedNow())
    socket.on('close', () => {
      clearTimeout(this.#linger)
      this.#state = 'closed'
      handler.onClose(this.#error)
    })
  }

  receive(view: Buffer): void {
    if (this.#state !== 'closed') this.#handler?.onData(view)
  }

  get pendingBytes(): number {
    return this.#state === 'closed' ? 0 : this.#socket.writableLength
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  write(buffers: readonly Uint8Array[], released?: () => void): boolean {
    if (this.#state !== 'open' || buffers.length === 0) {
      released?.()
      return true
    }
    const socket = this.#socket
    if (buffers.length === 1) return socket.write(buffers[0], released)
    const last = buffers.length - 1
    socket.cork()
    for (let index = 0; index < last; index++) socket.write(buffers[index])
    const more = socket.write(buffers[last], released)
    socket.uncork()
    return more
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#endedNow()
    this.#socket.end()
  }

  destroy(error?: Error): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#error = error
    this.#socket.destroy()
  }

  #endedNow(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#linger = setTimeout(() => this.#socket.destroy(), lingerMs).unref()
  }
}
