// TCP by node:net.
//
//   receive 'onread'   into one shared static buffer (raw-socket.ts); the default
//   receive 'data'     by events; where onread cannot be had, and to test both
//
// With `divert` a port can be shared: a connection's first bytes decide whether it stays here or its
// socket is handed on, with those bytes unread. Until they come nobody but the time-out knows of it.

import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Address, Connection, ConnectionHandler, Listener, Network } from '../network.ts'
import { NetworkError } from '../network.ts'
import { highWaterMarkBytes, NodeConnection } from './connection.ts'
import { networkError } from './network-errors.ts'
import { onreadOptions, rebuildWithOnread } from './raw-socket.ts'

/** Looks at first bytes; returns who takes the socket over, or undefined to keep it. */
export type Divert = (firstBytes: Buffer) => ((socket: Socket) => void) | undefined

export interface NodeNetworkOptions {
  readonly receive?: 'onread' | 'data'
  readonly divert?: Divert
  readonly firstBytesTimeoutMs?: number
}

type Accept = (connection: Connection) => ConnectionHandler

const connectTimeoutMs = 10_000
/** A diverting listener closes connections that send nothing for so long. */
const firstBytesTimeoutMsDefault = 30_000
/** Connections that wait to be accepted; the kernel caps it. */
const backlog = 1024

const socketOptions = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  highWaterMark: highWaterMarkBytes,
}

export class NodeNetwork implements Network {
  readonly #receive: 'onread' | 'data'
  readonly #divert: Divert | undefined
  readonly #firstBytesTimeoutMs: number

  constructor(options: NodeNetworkOptions = {}) {
    this.#receive = options.receive ?? 'onread'
    this.#divert = options.divert
    this.#firstBytesTimeoutMs = options.firstBytesTimeoutMs ?? firstBytesTimeoutMsDefault
  }

  async listen(address: Address, accept: Accept): Promise<Listener> {
    const divert = this.#divert
    const options = {
      // A rebuilt socket starts to read by itself; one that is looked at first reads as usual.
      pauseOnConnect: divert === undefined && this.#receive === 'onread',
      ...socketOptions,
    }
    const server = createServer(options, (socket) => {
      if (divert === undefined) this.#adopt(socket, accept)
      else this.#lookAt(socket, divert, accept)
    })
    await bind(server, address)
    const bound = server.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
    return {
      address: { host: address.host, port },
      async close() {
        // Its callback waits for all connections to end; the port is free at once.
        server.close()
      },
    }
  }

  connect(
    address: Address,
    open: Accept,
    options: { timeoutMs?: number } = {},
  ): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    const target = `${address.host}:${address.port}`
    let connection: NodeConnection | undefined
    const onData = (view: Buffer) => connection?.receive(view)
    const { host, port } = address
    const onread = this.#receive === 'onread' ? onreadOptions(onData) : undefined
    const socket = connect({ host, port, onread, ...socketOptions })
    const timeout = setTimeout(() => {
      reject(new NetworkError('timeout', target))
      socket.destroy()
    }, options.timeoutMs ?? connectTimeoutMs).unref()
    const fail = (error: Error) => {
      clearTimeout(timeout)
      reject(networkError(error, target))
    }
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timeout)
      socket.removeListener('error', fail)
      connection = new NodeConnection(socket)
      connection.attach(open(connection))
      if (this.#receive === 'data') socket.on('data', onData)
      resolve(connection)
    })
    return promise
  }

  /** Makes a connection of an accepted socket; `firstBytes` were read from it already. */
  #adopt(accepted: Socket, accept: Accept, firstBytes?: Buffer): void {
    let connection: NodeConnection | undefined
    const onData = (view: Buffer) => connection?.receive(view)
    const rebuilt =
      this.#receive === 'onread'
        ? rebuildWithOnread(accepted, { highWaterMark: highWaterMarkBytes, onData })
        : undefined
    const socket = rebuilt ?? accepted
    connection = new NodeConnection(socket)
    connection.attach(accept(connection))
    if (firstBytes !== undefined) connection.receive(firstBytes)
    if (rebuilt !== undefined) return
    accepted.on('data', onData)
    // A paused or looked-at socket does not start to flow by itself; a handler may have paused it.
    if (firstBytes === undefined) accepted.resume()
  }

  /** Waits for the first bytes by 'readable': to read and unread them there costs no extra pass. */
  #lookAt(socket: Socket, divert: Divert, accept: Accept): void {
    const timeout = setTimeout(() => socket.destroy(), this.#firstBytesTimeoutMs).unref()
    const ignoreError = () => {}
    const onReadable = () => {
      const firstBytes: Buffer | null = socket.read()
      if (firstBytes === null) return
      clearTimeout(timeout)
      socket.removeListener('readable', onReadable)
      socket.removeListener('error', ignoreError)
      const takeOver = divert(firstBytes)
      if (takeOver === undefined) {
        this.#adopt(socket, accept, firstBytes)
      } else {
        socket.unshift(firstBytes)
        // As http.Server has it: a client may end its side and wait for the answer.
        socket.allowHalfOpen = true
        takeOver(socket)
      }
    }
    socket.on('readable', onReadable)
    socket.on('error', ignoreError)
    socket.once('close', () => clearTimeout(timeout))
  }
}

function bind(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(networkError(error, `${host}:${port}`))
    server.once('error', fail)
    server.listen({ host, port, backlog }, () => {
      server.removeListener('error', fail)
      // Later errors are of accept(2), e.g. too many open files: that connection is lost, not the rest.
      server.on('error', () => {})
      resolve()
    })
  })
}
