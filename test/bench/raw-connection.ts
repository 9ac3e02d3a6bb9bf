// Not a benchmark: a connection that speaks Kafka in whole requests and answers, for benchmarks that drive one.

import { connect, type Socket } from 'node:net'
import type { Api } from '@sluice/protocol/apis'
import { readResponse, requestFrame } from '@sluice/protocol/frame'
import { FrameReader } from '@sluice/protocol/frame-reader'
import type { Decoded, Encodable, Message } from '@sluice/protocol/schema'

export class RawConnection {
  readonly #socket: Socket
  /** Answers come in the order of the requests. */
  readonly #waiting: ((frame: Buffer) => void)[] = []

  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () =>
        resolve(new RawConnection(socket)),
      )
      socket.once('error', reject)
    })
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    const reader = new FrameReader({
      maxBytes: 2 ** 28,
      onFrame: (frame) => this.#waiting.shift()?.(frame),
    })
    socket.on('data', (bytes: Buffer) => reader.push(bytes))
  }

  /** Sends a request; many may be under way. */
  ask<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>> {
    this.#socket.cork()
    for (const part of requestFrame(api, version, 1, 'bench', body)) this.#socket.write(part)
    this.#socket.uncork()
    return new Promise((resolve) => {
      this.#waiting.push((frame) => resolve(readResponse(api, version, frame).body))
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
