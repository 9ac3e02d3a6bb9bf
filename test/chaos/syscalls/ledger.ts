// What was sent to a topic of one partition and what was acknowledged, one record at a time by several senders,
// each record again only if it may not be stored: idempotent. Whoever reads the topic is held against it.

import { setTimeout as pause } from 'node:timers/promises'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { Producer } from '@sluice/core/kafka-client/producer'
import { errors } from '@sluice/protocol/errors'
import { readTopic } from '../../processes/history.ts'

const senders = 20
const pauseMs = 40
const paddingBytesMax = 300
const deliveryTimeoutMs = 60_000

export class Ledger {
  readonly violations: string[] = []
  readonly #client: KafkaClient
  readonly #topic: string
  readonly #producer: Producer
  readonly #sent = new Set<string>()
  readonly #acknowledged = new Map<number, string>()
  #loops: Promise<void>[] = []
  #stopped = false

  constructor(client: KafkaClient, topic: string) {
    this.#client = client
    this.#topic = topic
    this.#producer = new Producer(client, { idempotent: true, deliveryTimeoutMs })
  }

  begin(): void {
    this.#loops = Array.from({ length: senders }, (_, sender) => this.#send(sender))
  }

  get acknowledged(): number {
    return this.#acknowledged.size
  }

  /** Sends no more; resolves when all is settled. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
    await this.#producer.close()
  }

  /** A record that was sent by other means: it may be there once, and must be where it was acknowledged. */
  note(value: string, offset: number | undefined): void {
    this.#sent.add(value)
    if (offset !== undefined) this.#acknowledged.set(offset, value)
  }

  /** Reads all of the topic: every acknowledged record is there, nothing is there twice or was not sent. */
  async check(): Promise<void> {
    const before = new Map(this.#acknowledged)
    const records = (await readTopic(this.#client, this.#topic, 1)).get(0) ?? []
    const found = new Map(records.map(({ offset, value }) => [offset, value.trimEnd()]))
    for (const [offset, value] of before) {
      if (found.get(offset) === value) continue
      this.#fail(`${offset} was acknowledged as ${value}, holds ${found.get(offset)}`)
    }
    const places = new Map<string, number>()
    let expected = 0
    for (const [offset, value] of found) {
      if (offset !== expected) this.#fail(`${offset} stands where ${expected} should be`)
      expected = offset + 1
      if (!this.#sent.has(value)) this.#fail(`${offset} holds ${value}, which nobody sent`)
      const other = places.get(value)
      if (other !== undefined) this.#fail(`${value} is at ${other} and at ${offset}`)
      places.set(value, offset)
    }
  }

  async #send(sender: number): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      const text = `s${sender}#${number}`
      this.#sent.add(text)
      const value = Buffer.from(text.padEnd(Math.ceil(Math.random() * paddingBytesMax)))
      try {
        const [{ offset }] = await this.#producer.send(this.#topic, [{ key: null, value }])
        if (offset >= 0) this.#acknowledged.set(offset, text)
      } catch (error) {
        // Not acknowledged: it may be there or not.
        if (error instanceof KafkaError && error.code === errors.UNKNOWN_SERVER_ERROR) {
          this.#fail(`Produce was answered with -1: ${error.message}`)
        }
      }
      await pause(pauseMs)
    }
  }

  #fail(text: string): void {
    this.violations.push(`${this.#topic}: ${text}`)
  }
}
