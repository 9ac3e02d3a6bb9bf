// One end of a connection between simulated machines.
//
//   write -> outbox -> (the system takes it: buffers released) -> flight -> (delay) -> peer's onData
//
// The outbox is what the process wrote; the flight is what the system has taken, at most a window of it,
// and what the peer has not read. Order is kept by the queues; events only say that it is time to look.

import { assert } from '../../lib/assert.ts'
import type { Address, Connection, ConnectionHandler } from '../network.ts'
import { NetworkError } from '../network.ts'
import type { ProcessClock } from './clock.ts'
import type { SeededRandom } from './random.ts'

/** write() returns false from here on. */
const highWaterMarkBytes = 256 * 1024
/** What the system takes without the peer reading: both socket buffers. */
const windowBytes = 256 * 1024
const piecesMax = 4
const garbageAfterRead = 0xdb

interface Written {
  readonly buffers: readonly Uint8Array[]
  /** What they held when they were written. */
  readonly bytes: Buffer
  readonly released: (() => void) | undefined
}

/** Bytes on their way; 'end' is the end of the stream. */
interface Flight {
  bytes: Buffer | 'end'
  readonly arrivesMs: number
}

/** Chances are 0..1; they may be altered while the network is in use. */
export interface NetworkFaults {
  /** One way. */
  delayMs: { min: number; max: number }
  /** Of each delivery, to be handed up in pieces. */
  splitChance: number
  /** Of each delivery, to meet a reset connection instead. */
  resetChance: number
}

/** What lies between the two ends. */
export interface Medium {
  readonly random: SeededRandom
  readonly faults: NetworkFaults
  /** Sees all bytes as they are delivered. */
  readonly observe: ((bytes: Buffer) => void) | undefined
  isCut(from: string, to: string): boolean
  drawDelayMs(): number
  reset(connection: SimulatedConnection): void
  forget(connection: SimulatedConnection): void
}

export class SimulatedConnection implements Connection {
  readonly machine: string
  readonly local: Address
  readonly remote: Address
  peer!: SimulatedConnection
  readonly #network: Medium
  readonly #clock: ProcessClock
  #handler: ConnectionHandler | undefined
  #outbox: Written[] = []
  #pendingBytes = 0
  #needsDrain = false
  #takeDue = false
  /** Under way to us. */
  readonly #inbound: Flight[] = []
  #inboundBytes = 0
  #paused = false
  #ended = false
  #endSent = false
  #endSeen = false
  #closed = false

  constructor(
    network: Medium,
    clock: ProcessClock,
    options: { machine: string; local: Address; remote: Address },
  ) {
    this.#network = network
    this.#clock = clock
    this.machine = options.machine
    this.local = options.local
    this.remote = options.remote
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Makes two connections the ends of one. */
  join(peer: SimulatedConnection): void {
    this.peer = peer
    peer.peer = this
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler
    this.deliverSoon()
  }

  write(buffers: readonly Uint8Array[], released?: () => void): boolean {
    if (this.#closed || this.#ended) {
      released?.()
      return true
    }
    const bytes = Buffer.concat(buffers)
    this.#outbox.push({ buffers, bytes, released })
    this.#pendingBytes += bytes.length
    this.#takeSoon()
    if (this.#pendingBytes >= highWaterMarkBytes) this.#needsDrain = true
    return !this.#needsDrain
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.deliverSoon()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#takeSoon()
  }

  destroy(error?: Error): void {
    if (this.#closed) return
    this.#close(error)
    this.peer.resetAfter(this.#network.drawDelayMs())
  }

  /** The process is gone: nobody is called any more. */
  vanish(): void {
    this.#closed = true
    this.#network.forget(this)
  }

  resetAfter(delayMs: number): void {
    this.#clock.setTimer(delayMs, () => {
      if (!this.#closed) this.#close(new NetworkError('reset', `by ${this.remote.host}`))
    })
  }

  /** Looks for what has arrived, in an event of its own. */
  deliverSoon(): void {
    const first = this.#inbound[0]
    if (first === undefined || this.#closed) return
    const delayMs = Math.max(0, first.arrivesMs - this.#clock.monotonic())
    this.#clock.setTimer(delayMs, () => this.#deliver())
  }

  #takeSoon(): void {
    if (this.#takeDue || this.#closed) return
    this.#takeDue = true
    this.#clock.defer(() => {
      this.#takeDue = false
      this.#take()
    })
  }

  /** The system takes what was written, as far as the window allows. */
  #take(): void {
    if (this.#closed) return
    const taken: Buffer[] = []
    let takenBytes = 0
    while (this.#outbox.length > 0 && this.peer.#inboundBytes + takenBytes < windowBytes) {
      const { buffers, bytes, released } = this.#outbox.shift() as Written
      const unchanged = Buffer.concat(buffers).equals(bytes)
      assert(unchanged, 'a buffer stays as it was written until it is released')
      taken.push(bytes)
      takenBytes += bytes.length
      released?.()
    }
    this.#pendingBytes -= takenBytes
    if (takenBytes > 0) this.#send(Buffer.concat(taken))
    if (this.#outbox.length > 0) return
    if (this.#needsDrain) {
      this.#needsDrain = false
      this.#handler?.onDrain?.()
    }
    if (!this.#ended || this.#endSent || this.#outbox.length > 0) return
    this.#endSent = true
    this.#send('end')
    this.#closeWhenBothEnded()
  }

  #send(bytes: Buffer | 'end'): void {
    const { peer } = this
    const earliestMs = peer.#inbound.at(-1)?.arrivesMs ?? 0
    const arrivesMs = Math.max(earliestMs, this.#clock.monotonic() + this.#network.drawDelayMs())
    peer.#inbound.push({ bytes, arrivesMs })
    if (bytes !== 'end') peer.#inboundBytes += bytes.length
    peer.deliverSoon()
  }

  #deliver(): void {
    const network = this.#network
    while (!this.#closed && !this.#paused && this.#handler !== undefined) {
      const first = this.#inbound[0]
      if (first === undefined) return
      if (network.isCut(this.peer.machine, this.machine)) return
      if (first.arrivesMs > this.#clock.monotonic()) {
        this.deliverSoon()
        return
      }
      if (first.bytes === 'end') {
        this.#inbound.shift()
        this.#endSeen = true
        this.end()
        this.#closeWhenBothEnded()
        return
      }
      if (network.random.chance(network.faults.resetChance)) {
        network.reset(this)
        return
      }
      this.#handUp(first, first.bytes)
    }
  }

  /** Hands up the first bytes under way, in random pieces, and takes each piece away afterwards. */
  #handUp(flight: Flight, bytes: Buffer): void {
    const { random, faults, observe } = this.#network
    let pieces = random.chance(faults.splitChance) ? 1 + random.integer(piecesMax) : 1
    let rest = bytes
    while (rest.length > 0 && !this.#paused && !this.#closed) {
      const length = pieces > 1 ? 1 + random.integer(rest.length) : rest.length
      pieces -= 1
      const view = rest.subarray(0, length)
      rest = rest.subarray(length)
      this.#inboundBytes -= length
      observe?.(view)
      this.#handler?.onData(view)
      view.fill(garbageAfterRead)
    }
    if (rest.length === 0) this.#inbound.shift()
    else flight.bytes = rest
    if (this.peer.#outbox.length > 0) this.peer.#takeSoon()
  }

  #closeWhenBothEnded(): void {
    if (this.#endSent && this.#endSeen) this.#close()
  }

  #close(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#network.forget(this)
    this.#pendingBytes = 0
    const outbox = this.#outbox
    this.#outbox = []
    for (const { released } of outbox) released?.()
    this.#clock.defer(() => this.#handler?.onClose(error))
  }
}
