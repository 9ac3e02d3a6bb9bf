// What the actors of a soak share: the broker, the books, clients, and when to stop. Writers stop first; readers go on
// until they have read what was acknowledged.

import { silentLogger } from '@sluice/core/host/logger'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { NodeRandom } from '@sluice/core/host/node/random'
import { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { SoakBroker } from './broker.ts'
import { Ledger } from './ledger.ts'

/** Topics whose every record is in the books. */
export const audited = { ours: 'steady', kafkajs: 'steady-kafkajs', http: 'steady-http' } as const
export const partitionCount = 4

/** Runs until its signal is aborted; what it throws is a violation. */
export type Actor = (soak: Soak) => Promise<void>

export class Soak {
  readonly broker: SoakBroker
  readonly ledger = new Ledger()
  readonly #writers = new AbortController()
  readonly #readers = new AbortController()

  constructor(broker: SoakBroker) {
    this.broker = broker
  }

  get writing(): boolean {
    return !this.#writers.signal.aborted
  }

  get reading(): boolean {
    return !this.#readers.signal.aborted
  }

  stopWriters(): void {
    this.#writers.abort()
  }

  stopReaders(): void {
    this.#readers.abort()
  }

  newClient(clientId: string): KafkaClient {
    return new KafkaClient({
      network: new NodeNetwork(),
      clock: new NodeClock(),
      random: new NodeRandom(),
      logger: silentLogger,
      bootstrap: [{ host: '127.0.0.1', port: this.broker.port }],
      clientId,
    })
  }

  /** Waits, but not beyond the end of the writers. */
  async pause(ms: number): Promise<void> {
    const { signal } = this.#writers
    await new Promise<void>((done) => {
      const over = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', over)
        done()
      }
      const timer = setTimeout(over, ms)
      if (signal.aborted) over()
      else signal.addEventListener('abort', over)
    })
  }
}

export function between(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least + 1))
}

/** Says whose and the how-maniest it is; about 1 KiB, half of it noise that no codec gets rid of. */
export function valueBy(writer: string, sequence: number): string {
  let noise = ''
  while (noise.length < 480) noise += Math.random().toString(36).slice(2)
  return `${writer} ${sequence} ${noise} ${'the same words again and again '.repeat(15)}`
}
