// What every Network promises. `setUp` gives the network and, for a simulated one, its clock's drive.

import {
  type Connection,
  type ConnectionHandler,
  type Network,
  NetworkError,
} from '@sluice/core/host/network'
import { afterEach, describe, expect, test } from 'vitest'

export interface NetworkUnderTest {
  readonly server: Network
  readonly client: Network
  /** The host name to listen on and connect to. */
  readonly host: string
  /** A shared port knows of a connection only when its first bytes have come. */
  readonly acceptsByFirstBytes?: boolean
  /** Lets time pass until `done` holds; fails after a while. */
  until(done: () => boolean): Promise<void>
  close?(): Promise<void>
}

/** One end of a connection that records what happens to it. */
class Recorder implements ConnectionHandler {
  readonly connection: Connection
  #chunks: Buffer[] = []
  receivedBytes = 0
  drains = 0
  closes = 0
  error: Error | undefined
  onBytes: (() => void) | undefined

  constructor(connection: Connection) {
    this.connection = connection
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  forget(): void {
    this.#chunks = []
    this.receivedBytes = 0
  }

  onData(view: Buffer): void {
    expect(this.closes).toBe(0)
    this.#chunks.push(Buffer.from(view))
    this.receivedBytes += view.length
    this.onBytes?.()
  }

  onDrain(): void {
    expect(this.connection.pendingBytes).toBe(0)
    this.drains += 1
  }

  onClose(error?: Error): void {
    this.closes += 1
    this.error = error
  }
}

function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) + seed) & 0xff
  return bytes
}

export function networkContract(name: string, setUp: () => Promise<NetworkUnderTest>): void {
  describe(`network contract: ${name}`, () => {
    let underTest: NetworkUnderTest | undefined

    /** Waits for a promise while time passes. */
    async function settle<T>(promise: Promise<T>): Promise<T> {
      let over = false
      const mark = () => {
        over = true
      }
      promise.then(mark, mark)
      await underTest?.until(() => over)
      return promise
    }

    async function connected() {
      underTest = await setUp()
      const { server, client, host, until } = underTest
      const accepted: Recorder[] = []
      const listener = await settle(
        server.listen({ host, port: 0 }, (connection) => {
          const recorder = new Recorder(connection)
          accepted.push(recorder)
          return recorder
        }),
      )
      const connect = async () => {
        let near: Recorder | undefined
        const count = accepted.length
        await settle(
          client.connect({ host, port: listener.address.port }, (connection) => {
            near = new Recorder(connection)
            return near
          }),
        )
        if (underTest?.acceptsByFirstBytes) near?.connection.write([Buffer.from('knock')])
        await until(() => accepted.length > count)
        const far = accepted[count]
        if (underTest?.acceptsByFirstBytes) await until(() => far.receivedBytes === 5)
        far.forget()
        return { near: near as Recorder, far }
      }
      return { ...(await connect()), connect, listener, until, server, client, host }
    }

    afterEach(async () => {
      await underTest?.close?.()
      underTest = undefined
    })

    test('bytes arrive in order, both ways', async () => {
      const { near, far, until } = await connected()
      near.connection.write([Buffer.from('hello '), Buffer.from('world')])
      await until(() => far.receivedBytes === 11)
      expect(far.received.toString()).toBe('hello world')
      far.connection.write([new Uint8Array([1, 2]), Buffer.alloc(0), Buffer.from([3])])
      await until(() => near.receivedBytes === 3)
      expect([...near.received]).toEqual([1, 2, 3])
      expect(near.connection.remote.port).toBe(far.connection.local.port)
      expect(near.connection.local.port).toBe(far.connection.remote.port)
    })

    test('nothing is delivered within write()', async () => {
      const { near, far, until } = await connected()
      let inside = false
      far.onBytes = () => expect(inside).toBe(false)
      inside = true
      near.connection.write([Buffer.from('x')])
      inside = false
      await until(() => far.receivedBytes === 1)
    })

    test('released is called once a write, in order, and the buffer may be reused then', async () => {
      const { near, far, until } = await connected()
      const buffer = Buffer.alloc(1_000)
      const released: number[] = []
      const expected: Buffer[] = []
      const send = (round: number) => {
        pattern(1_000, round).copy(buffer)
        expected.push(Buffer.from(buffer))
        near.connection.write([buffer.subarray(0, 400), buffer.subarray(400)], () => {
          released.push(round)
          if (round < 20) send(round + 1)
        })
      }
      send(0)
      await until(() => far.receivedBytes === 21_000 && released.length === 21)
      expect(released).toEqual(Array.from({ length: 21 }, (_, i) => i))
      expect(far.received.equals(Buffer.concat(expected))).toBe(true)
    })

    test('a write of nothing is released, too', async () => {
      const { near, until } = await connected()
      let released = 0
      near.connection.write([], () => {
        released += 1
      })
      near.connection.write([Buffer.alloc(0)], () => {
        released += 1
      })
      await until(() => released === 2)
    })

    test('a large transfer arrives whole through many views', async () => {
      const { near, far, until } = await connected()
      const whole = pattern(3_000_000)
      for (let at = 0; at < whole.length; at += 70_001) {
        near.connection.write([whole.subarray(at, at + 70_001)])
      }
      await until(() => far.receivedBytes === whole.length)
      expect(far.received.equals(whole)).toBe(true)
    })

    test('two connections do not mix', async () => {
      const { near, far, connect, until } = await connected()
      const second = await connect()
      for (let i = 0; i < 50; i++) {
        near.connection.write([Buffer.alloc(5_000, 1)])
        second.near.connection.write([Buffer.alloc(5_000, 2)])
      }
      await until(() => far.receivedBytes === 250_000 && second.far.receivedBytes === 250_000)
      expect(far.received.every((byte) => byte === 1)).toBe(true)
      expect(second.far.received.every((byte) => byte === 2)).toBe(true)
    })

    test('a reader that pauses holds the writer back until it resumes', async () => {
      const { near, far, until } = await connected()
      far.connection.pause()
      const chunk = Buffer.alloc(64 * 1024, 9)
      let writtenBytes = 0
      let released = 0
      for (let i = 0; i < 400; i++) {
        writtenBytes += chunk.length
        const more = near.connection.write([chunk, Buffer.from('|')], () => {
          released += 1
        })
        writtenBytes += 1
        if (!more) break
      }
      expect(writtenBytes).toBeLessThan(25 * 1024 * 1024)
      expect(near.connection.pendingBytes).toBeGreaterThan(0)
      expect(near.drains).toBe(0)
      far.connection.resume()
      await until(() => far.receivedBytes === writtenBytes)
      await until(() => near.drains === 1)
      expect(near.connection.pendingBytes).toBe(0)
      expect(released).toBeGreaterThan(0)
      expect(near.connection.write([Buffer.from('x')])).toBe(true)
      await until(() => far.receivedBytes === writtenBytes + 1)
    })

    test('pause holds from within onData, and resume brings the rest', async () => {
      const { near, far, until } = await connected()
      let views = 0
      far.onBytes = () => {
        views += 1
        far.connection.pause()
      }
      for (let i = 0; i < 5; i++) near.connection.write([Buffer.alloc(200_000, i)])
      await until(() => views === 1)
      const seenBytes = far.receivedBytes
      await until(() => near.connection.pendingBytes >= 0)
      expect(far.receivedBytes).toBe(seenBytes)
      far.onBytes = undefined
      far.connection.resume()
      await until(() => far.receivedBytes === 1_000_000)
    })

    test('end sends what was written, then both ends close without an error', async () => {
      const { near, far, until } = await connected()
      near.connection.write([pattern(300_000)])
      near.connection.end()
      let released = false
      near.connection.write([Buffer.from('too late')], () => {
        released = true
      })
      await until(() => near.closes === 1 && far.closes === 1)
      expect(released).toBe(true)
      expect(far.received.equals(pattern(300_000))).toBe(true)
      expect([near.error, far.error]).toEqual([undefined, undefined])
      expect([near.connection.closed, far.connection.closed]).toEqual([true, true])
    })

    test('what the other side had written still arrives after it ended', async () => {
      const { near, far, until } = await connected()
      far.connection.write([Buffer.from('request seen, ')])
      far.connection.write([Buffer.from('bye')])
      far.connection.end()
      await until(() => near.closes === 1 && far.closes === 1)
      expect(near.received.toString()).toBe('request seen, bye')
    })

    test('a side whose peer ended sends its pending answer before it closes', async () => {
      const { near, far, until } = await connected()
      far.onBytes = () => {
        far.onBytes = undefined
        far.connection.write([pattern(200_000)])
      }
      near.connection.write([Buffer.from('question')])
      near.connection.end()
      await until(() => near.closes === 1 && far.closes === 1)
      expect(near.received.equals(pattern(200_000))).toBe(true)
    })

    test('destroy closes both ends at once and releases what was not sent', async () => {
      const { near, far, until } = await connected()
      far.connection.pause()
      let released = 0
      let writes = 0
      let more = true
      while (more) {
        writes += 1
        more = near.connection.write([Buffer.alloc(256 * 1024)], () => {
          released += 1
        })
      }
      near.connection.destroy()
      expect(near.connection.closed).toBe(true)
      far.connection.resume()
      await until(() => near.closes === 1 && far.closes === 1 && released === writes)
      expect(near.error).toBeUndefined()
    })

    test('destroy hands its error to its own side only', async () => {
      const { near, far, until } = await connected()
      near.connection.destroy(new Error('why'))
      near.connection.destroy(new Error('again'))
      await until(() => near.closes === 1 && far.closes === 1)
      expect(near.error?.message).toBe('why')
      expect(far.error?.message).not.toBe('why')
    })

    test('onClose is not called within destroy(), and nothing follows it', async () => {
      const { near, far, until } = await connected()
      far.connection.write([Buffer.alloc(100_000)])
      near.connection.destroy()
      expect(near.closes).toBe(0)
      const receivedBytes = near.receivedBytes
      await until(() => near.closes === 1 && far.closes === 1)
      expect(near.receivedBytes).toBe(receivedBytes)
      let released = false
      const more = near.connection.write([Buffer.from('x')], () => {
        released = true
      })
      expect(released).toBe(true)
      expect(more).toBe(true)
      near.connection.end()
      near.connection.pause()
      near.connection.resume()
    })

    test('a connection can be destroyed from within onData', async () => {
      const { near, far, until } = await connected()
      far.onBytes = () => far.connection.destroy()
      near.connection.write([Buffer.alloc(500_000)])
      near.connection.write([Buffer.alloc(500_000)])
      await until(() => near.closes === 1 && far.closes === 1)
    })

    test('nobody listens: refused', async () => {
      const { client, host, listener } = await connected()
      await settle(listener.close())
      const connecting = client.connect({ host, port: listener.address.port }, (connection) => {
        connection.destroy()
        return { onData() {}, onClose() {} }
      })
      const error = await settle(connecting.catch((thrown: unknown) => thrown as NetworkError))
      expect(error).toBeInstanceOf(NetworkError)
      expect((error as NetworkError).kind).toBe('refused')
    })

    test('a closed listener leaves its connections alone', async () => {
      const { near, far, listener, until } = await connected()
      await settle(listener.close())
      near.connection.write([Buffer.from('still here')])
      await until(() => far.receivedBytes === 10)
    })

    test('an address is listened to once', async () => {
      const { server, host, listener } = await connected()
      const address = { host, port: listener.address.port }
      const again = server.listen(address, () => ({ onData() {}, onClose() {} }))
      const error = await settle(again.catch((thrown: unknown) => thrown as NetworkError))
      expect((error as NetworkError).kind).toBe('address-in-use')
    })
  })
}
