// A scene of bad input: a broker, a topic that nothing bad may get into, and a neighbour who must notice
// nothing: its connection stays and its records go in and come out, whatever others send meanwhile.

import type { Network } from '@sluice/core/host/network'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { apis } from '@sluice/protocol/apis'
import { decodeRecords } from '@sluice/protocol/records/record'
import { expect } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { TestBroker, type TestBrokerOptions, type TestClient } from './test-broker.ts'

/** All ways in which bytes reach a broker, by name, for describe.each. */
export const networks: readonly [name: string, make: () => Network | undefined][] = [
  ['the memory network', () => undefined],
  ['sockets, read into one buffer', () => new NodeNetwork({ receive: 'onread' })],
  ['sockets, read by events', () => new NodeNetwork({ receive: 'data' })],
]

export class Scene {
  readonly running: TestBroker
  /** Lines that say something went wrong on our side: bad input alone writes none. */
  readonly bugs: string[]
  readonly #neighbour: TestClient
  #sent: number

  private constructor(running: TestBroker, neighbour: TestClient, bugs: string[]) {
    this.running = running
    this.#neighbour = neighbour
    this.bugs = bugs
    this.#sent = running.broker.partitions.get('neighbour', 0)?.log.endOffset ?? 0
  }

  static async start(
    options: Pick<TestBrokerOptions, 'network' | 'config' | 'disk' | 'table'> = {},
  ): Promise<Scene> {
    const bugs: string[] = []
    const logger = {
      debug() {},
      info() {},
      warn: (fields: object, message: string) => {
        if (message.includes('could not be encoded')) bugs.push(lineOf(fields, message))
      },
      error: (fields: object, message: string) => {
        bugs.push(lineOf(fields, message))
      },
    }
    const running = await TestBroker.start({ ...options, logger })
    if (!running.broker.cluster.image.topic('orders')) {
      await running.createTopic('orders', { partitions: 2 })
      await running.createTopic('neighbour')
    }
    return new Scene(running, await running.connect(), bugs)
  }

  /** Where the partition that nothing bad may get into ends. */
  endOffset(partition = 0): number {
    return this.running.broker.partitions.get('orders', partition)?.log.endOffset ?? -1
  }

  /** The neighbour sends a record and reads it back, over the connection it has had from the start. */
  async expectCalm(): Promise<void> {
    expect(this.bugs).toEqual([])
    const value = `record ${this.#sent}`
    const { errorCode, baseOffset } = await this.#neighbour.produce('neighbour', [value])
    expect([errorCode, baseOffset]).toEqual([0, this.#sent])
    const { responses } = await this.#neighbour.send(
      apis.fetch,
      12,
      fetchRequestOf({ topic: 'neighbour', partitions: [0], offset: this.#sent }),
    )
    const { records } = responses[0].partitions[0]
    expect(decodeRecords(records as Buffer, 0).map((one) => `${one.value}`)).toEqual([value])
    this.#sent += 1
  }

  /** Bytes of requests and answers that the broker holds in memory. */
  async heldBytes(): Promise<number> {
    const text = await this.running.metrics.text()
    return Number(/^sluice_request_memory_bytes (\d+)$/m.exec(text)?.[1])
  }

  async close(): Promise<void> {
    await this.running.close()
    expect(this.bugs).toEqual([])
  }
}

function lineOf(fields: object, message: string): string {
  const { cause } = fields as { cause?: unknown }
  return `${message}: ${JSON.stringify(fields)} ${cause instanceof Error ? cause.stack : ''}`
}

/** The answer of a broker to raw bytes; 'closed' when it ended the connection instead. */
export async function answerTo(client: TestClient, bytes: Buffer): Promise<Buffer | 'closed'> {
  const closed = client.closed.then(() => 'closed' as const)
  const answer = client.sendRaw(bytes).catch(() => 'closed' as const)
  return Promise.race([answer, closed])
}
