// Network: TCP or something that behaves like it. Bytes come up by a call, not by events, so that one
// receive buffer can serve all connections.
//
// Who owns the bytes:
//   in   `onData(view)`: the view is valid only until the call returns; copy what must stay.
//   out  `write(buffers, released)`: nobody changes the buffers until `released` is called. Several
//        connections may be given the same ones.
// The simulated network overwrites a view afterwards and looks whether a written buffer has changed, so
// that a kept reference and a buffer used again too soon are found by the first test.

export interface Network {
  /** Starts to listen; port 0 picks a free one. Rejects with NetworkError 'address-in-use' | 'refused'. */
  listen(address: Address, accept: (connection: Connection) => ConnectionHandler): Promise<Listener>
  /** Connects. Rejects with NetworkError 'refused' | 'timeout' | 'not-found'. */
  connect(
    address: Address,
    open: (connection: Connection) => ConnectionHandler,
    options?: { timeoutMs?: number },
  ): Promise<Connection>
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Listener {
  readonly address: Address
  /** Stops accepting; established connections stay. */
  close(): Promise<void>
}

export interface ConnectionHandler {
  /** Bytes have come. The view is valid only until this call returns. */
  onData(view: Buffer): void
  /** All that was written has left (pendingBytes is 0) after write() had returned false. */
  onDrain?(): void
  /** The connection is over, for whatever reason; called exactly once, nothing is called after it. */
  onClose(error?: Error): void
}

export interface Connection {
  readonly remote: Address
  readonly local: Address
  /** Bytes written and not yet handed to the system. */
  readonly pendingBytes: number
  readonly closed: boolean
  /**
   * Sends the buffers in order, in one system call where possible. `released` is called exactly once
   * when they may be reused, also when the connection dies. Returns false when the caller should
   * wait for onDrain before it writes more. Writing to a closed connection releases at once.
   */
  write(buffers: readonly Uint8Array[], released?: () => void): boolean
  /** Stops and resumes onData: back-pressure reaches the peer. */
  pause(): void
  resume(): void
  /** Sends what was written, then closes. */
  end(): void
  /** Closes at once and drops what was not sent. */
  destroy(error?: Error): void
}

export type NetworkErrorKind = 'address-in-use' | 'refused' | 'timeout' | 'not-found' | 'reset'

export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly kind: NetworkErrorKind

  constructor(kind: NetworkErrorKind, detail: string, cause?: unknown) {
    super(`${kind}: ${detail}`, { cause })
    this.kind = kind
  }
}
