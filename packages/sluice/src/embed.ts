// Sluice in a test: a whole broker with its HTTP gateway inside the process, all in memory.
//
//   import { Sluice } from 'sluice'
//
//   await using sluice = await Sluice.start({ topics: ['orders'] })
//   const kafka = new Kafka({ brokers: [sluice.bootstrapServers] })
//
// It listens on a free port of 127.0.0.1 and leaves nothing behind. Several can run side by side. This
// file names no type of another module: its declarations are what an npm install gets.

import { Embedded } from './embedded.ts'

export interface SluiceOptions {
  /** Broker configs by Kafka's names: `{ 'num.partitions': 3 }`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>
  /** Topics that are there from the start, and again after each reset(). */
  readonly topics?: readonly (string | SluiceTopic)[]
}

export interface SluiceTopic {
  readonly name: string
  /** Default: num.partitions, which is 1. */
  readonly partitions?: number
  /** Topic configs by Kafka's names: `{ 'retention.ms': 60_000 }`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>
}

export interface SluiceRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

export class Sluice implements AsyncDisposable {
  /** `host:port`, as Kafka clients take it. */
  readonly bootstrapServers: string
  /** Where the HTTP API is: `http://host:port`. */
  readonly httpUrl: string
  readonly #embedded: Embedded

  private constructor(embedded: Embedded) {
    this.bootstrapServers = embedded.bootstrapServers
    this.httpUrl = embedded.httpUrl
    this.#embedded = embedded
  }

  /**
   * Starts a broker; it is ready when the promise resolves.
   * @example
   * await using sluice = await Sluice.start({ configs: { 'num.partitions': 3 } })
   */
  static async start(options: SluiceOptions = {}): Promise<Sluice> {
    return new Sluice(await Embedded.start(options))
  }

  /**
   * As new, on the same port: no records, no groups, no planned failures; the topics of the options are
   * there again. Clients may stay connected.
   * @example
   * beforeEach(() => sluice.reset())
   */
  reset(): Promise<void> {
    return this.#embedded.reset()
  }

  /**
   * All records of a topic that are there now, by partition and offset.
   * @example
   * const [record] = await sluice.records('orders')
   * expect(JSON.parse(String(record.value))).toEqual({ id: 1 })
   */
  records(topic: string): Promise<SluiceRecord[]> {
    return this.#embedded.records(topic)
  }

  /**
   * Lets time pass for the broker: retention removes what is too old, members of groups that sent no
   * heartbeat in the meantime are out.
   * @example
   * await sluice.advance(8 * 24 * 3600 * 1000)
   */
  advance(ms: number): Promise<void> {
    return this.#embedded.advance(ms)
  }

  /**
   * The next requests of a Kafka API (as Kafka names it) fail with an error (likewise), and are not
   * carried out.
   * @example
   * sluice.fail('Produce', 'NOT_LEADER_OR_FOLLOWER', { times: 2 })
   */
  fail(api: string, error: string, options: { times: number } = { times: 1 }): void {
    this.#embedded.fail(api, error, options)
  }

  /** Ends it; idempotent. `await using` does it by itself. */
  stop(): Promise<void> {
    return this.#embedded.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
