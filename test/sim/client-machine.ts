// What all simulated clients share: a machine of their own with the real client on it, and values that
// say who sent them.

import { silentLogger } from '@sluice/core/host/logger'
import { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { brokerAddress } from './broker-machine.ts'
import type { Machine, World } from './world.ts'

/** Short against a run, long against a request. */
const requestTimeoutMs = 2_000
const backoff = { firstMs: 20, maxMs: 200 }

export interface ClientMachine {
  readonly machine: Machine
  readonly client: KafkaClient
}

export function startClient(world: World, name: string): ClientMachine {
  const machine = world.machine(name)
  const { network, clock, random } = machine
  const client = new KafkaClient({
    network,
    clock,
    random,
    logger: silentLogger,
    bootstrap: [brokerAddress],
    clientId: name,
    requestTimeoutMs,
    metadataMaxAgeMs: 1_000,
    backoff,
  })
  return { machine, client }
}

/** `p0#17` and padding, so that segments fill. */
export function encodeValue(value: string, paddingBytes: number): Buffer {
  return Buffer.from(`${value}${'~'.repeat(paddingBytes)}`)
}

export function decodeValue(bytes: Uint8Array | null): string {
  const text = bytes === null ? 'null' : Buffer.from(bytes).toString('latin1')
  return text.replace(/~+$/, '')
}

const nameHeader = 'name'

/** A tombstone has no value: a header says who sent it. */
export function tombstoneHeaders(value: string): { key: string; value: Buffer }[] {
  return [{ key: nameHeader, value: Buffer.from(value) }]
}

interface NamedRecord {
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

/** What a record is called in the history: its value, or what stands for it. */
export function recordValue({ value, headers }: NamedRecord): string {
  const named = value ?? headers.find(({ key }) => key === nameHeader)?.value ?? null
  return decodeValue(named)
}
