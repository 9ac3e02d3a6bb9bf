// A network inside one process: connections are two queues, and what is written is handed to the other
// side as it is, without a copy, in a microtask: no call nests in another, and nothing waits for a turn of the
// event loop. What was written until then is delivered together. Whoever answers does so at the end of a turn
// (partition/turn.ts), so that two sides that answer each other at once do not keep the loop from its input.
//
// There is one machine on it: whatever the host name, the port decides who is reached. Port 0 draws from
// the ephemeral range. A peer that pauses makes write() return false at `highWaterMarkBytes`.

import type { Clock } from '../clock.ts'
import type { Address, Connection, ConnectionHandler, Listener, Network } from '../network.ts'
import { NetworkError } from '../network.ts'

export const highWaterMarkBytes = 1024 * 1024
const firstEphemeralPort = 49_152

type Accept = (connection: Connection) => ConnectionHandler

export class MemoryNetwork implements Network {
  readonly #clock: Clock
  readonly #listeners = new Map<number, Accept>()
  #nextPort = firstEphemeralPort

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async listen(address: Address, accept: Accept): Promise<Listener> {
    const port = address.port === 0 ? this.#nextPort++ : address.port
    if (this.#listeners.has(port)) {
      throw new NetworkError('address-in-use', `${address.host}:${port}`)
    }
    this.#listeners.set(port, accept)
    return {
      address: { host: address.host, port },
      close: async () => {
        if (this.#listeners.get(port) === accept) this.#listeners.delete(port)
      },
    }
  }

  async connect(address: Address, open: Accept): Promise<Connection> {
    const accept = this.#listeners.get(address.port)
    if (accept === undefined) throw new NetworkError('refused', `${address.host}:${address.port}`)
    const local = { host: address.host, port: this.#nextPort++ }
    const near = new MemoryConnection(this.#clock, { local, remote: address })
    const far = new MemoryConnection(this.#clock, { local: address, remote: local })
    near.join(far)
    far.attach(accept(far))
    near.attach(open(near))
    return near
  }
}

interface Parcel {
  readonly bytes: Uint8Array
  /** On the last buffer of a write. */
  readonly released: (() => void) | undefined
}

class MemoryConnection implements Connection {
  readonly local: Address
  readonly remote: Address
  readonly #clock: Clock
  #peer!: MemoryConnection
  #handler: ConnectionHandler | undefined
  /** Written here, not yet handed to the peer. */
  readonly #outbox: Parcel[] = []
  #pendingBytes = 0
  #needsDrain = false
  #deliveryDue = false
  #paused = false
  /** end() was called, or the peer ended: nothing more is written. */
  #ended = false
  #closed = false

  constructor(clock: Clock, addresses: { local: Address; remote: Address }) {
    this.#clock = clock
    this.local = addresses.local
    this.remote = addresses.remote
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Makes two connections the ends of one. */
  join(peer: MemoryConnection): void {
    this.#peer = peer
    peer.#peer = this
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#peer.#scheduleDelivery()
  }

  write(buffers: readonly Uint8Array[], released?: () => void): boolean {
    if (this.#ended || buffers.length === 0) {
      released?.()
      return true
    }
    for (const [index, bytes] of buffers.entries()) {
      this.#pendingBytes += bytes.length
      this.#outbox.push({ bytes, released: index === buffers.length - 1 ? released : undefined })
    }
    this.#scheduleDelivery()
    if (this.#pendingBytes >= highWaterMarkBytes) this.#needsDrain = true
    return !this.#needsDrain
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#peer.#scheduleDelivery()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#scheduleDelivery()
  }

  destroy(error?: Error): void {
    if (this.#closed) return
    this.#close(error)
    const peer = this.#peer
    this.#clock.defer(() => peer.#close(new NetworkError('reset', 'closed by the other side')))
  }

  #scheduleDelivery(): void {
    if (this.#deliveryDue || this.#closed) return
    this.#deliveryDue = true
    queueMicrotask(this.#handOver)
  }

  readonly #handOver = (): void => {
    this.#deliveryDue = false
    this.#deliver()
  }

  /** Hands over what was written until the peer pauses or one of the two is closed. */
  #deliver(): void {
    const peer = this.#peer
    while (!this.#closed && this.#outbox.length > 0) {
      if (peer.#handler === undefined || peer.#paused) return
      const { bytes, released } = this.#outbox.shift() as Parcel
      this.#pendingBytes -= bytes.length
      if (!peer.#closed && bytes.length > 0) peer.#handler.onData(viewOf(bytes))
      released?.()
    }
    if (this.#closed) return
    if (this.#needsDrain) {
      this.#needsDrain = false
      this.#handler?.onDrain?.()
    }
    if (this.#ended && this.#outbox.length === 0) this.#finish(peer)
  }

  /** All was handed over: the peer sends the rest of its own, then both are closed. */
  #finish(peer: MemoryConnection): void {
    if (!peer.#ended) {
      peer.end()
    } else if (peer.#outbox.length === 0) {
      peer.#close()
      this.#close()
    }
  }

  #close(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#ended = true
    this.#pendingBytes = 0
    for (const { released } of this.#outbox.splice(0)) released?.()
    this.#clock.defer(() => this.#handler?.onClose(error))
  }
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
