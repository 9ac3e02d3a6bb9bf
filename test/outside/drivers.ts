// Every real client behind one command line, so that any of them can write and any can read:
//
//   DRIVER produce --bootstrap H:P --topic T [--codec C] [--idempotent true|false]   records on standard input
//   DRIVER consume --bootstrap H:P --topics T,U --max N [--group G] [--timeout MS]   records on standard output
//          [--assignor range|roundrobin|sticky|cooperative-sticky] [--instance ID]   as a member of the group
//          [--through OFFSET]   ends when that offset of each topic was seen (java)
//   DRIVER transact --bootstrap H:P                prints 'begun' or 'refused: …' (java, confluent, kafkajs)
//   DRIVER admin --bootstrap H:P --topic T --group G   makes T, asks and alters what it can, deletes T and G
//                                                      (where there is an admin client: adminClients)
//
// A record is a JSON line { key, value, headers: [[name, value]], partition?, timestamp? }; bytes are base64.

import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import type { LineRecord } from './drivers/line-protocol.ts'
import { classPath, finished } from './kafka/apache.ts'

const cache = resolve(import.meta.dirname, '../../.cache/outside')
const drivers = resolve(import.meta.dirname, 'drivers')

export interface ConsumedRecord extends LineRecord {
  topic: string
  partition: number
  offset: number
  timestamp: number
}

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
export const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const commands = {
  java: ['java', '-Xmx512m', '-XX:+UseSerialGC', '-cp', classPath, 'JavaDriver'],
  confluent: [`${cache}/python/bin/python`, `${drivers}/confluent.py`],
  'kafka-python': [`${cache}/python/bin/python`, `${drivers}/kafka_python.py`],
  kafkajs: [process.execPath, `${drivers}/kafkajs.ts`],
  platformatic: [process.execPath, `${drivers}/platformatic.ts`],
  'franz-go': [`${cache}/go/drivers`, 'franz-go'],
  sarama: [`${cache}/go/drivers`, 'sarama'],
  kcat: [process.execPath, `${drivers}/kcat.ts`],
  sluice: [process.execPath, `${drivers}/sluice.ts`],
  console: [process.execPath, `${drivers}/console.ts`],
  curl: [process.execPath, `${drivers}/curl.ts`],
} as const

export type Client = keyof typeof commands

/** All that can talk to the target: Apache Kafka has no HTTP. */
export const clients = (Object.keys(commands) as Client[]).filter(
  (client) => client !== 'curl' || process.env['TARGET'] !== 'apache',
)

/** Those that can be members of a group. */
export const groupClients = clients.filter((client) => client !== 'curl')

export const adminClients: readonly Client[] = [
  ...(['java', 'confluent', 'kafka-python', 'kafkajs', 'platformatic'] as const),
  ...(['franz-go', 'sarama'] as const),
]

type Verb = 'produce' | 'consume' | 'transact' | 'admin'
type Options = Record<string, string | number | boolean | undefined>

/** The program and its arguments. */
export function driverCommand(client: Client, verb: Verb, options: Options): string[] {
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  )
  return [...commands[client], verb, ...flags]
}

export function startDriver(client: Client, verb: Verb, options: Options): ChildProcess {
  const [program, ...args] = driverCommand(client, verb, options)
  return spawn(program, args)
}

/** Writes the records and returns when all are acknowledged. */
export async function produce(
  client: Client,
  options: { bootstrap: string; topic: string; codec?: Codec; idempotent?: boolean },
  records: LineRecord[],
): Promise<void> {
  const child = startDriver(client, 'produce', options)
  const input = records.map((record) => `${JSON.stringify(record)}\n`).join('')
  const { status, stdout, stderr } = await finished(child, input, 60_000)
  const sent = /"sent":\s*(\d+)/.exec(stdout)?.[1]
  if (status !== 0 || Number(sent) !== records.length) {
    throw new Error(`${client} produce: status ${status}, sent ${sent}: ${stderr.slice(-2_000)}`)
  }
}

/** Reads `max` records, or as many as come before the time-out, in the order the client gave them. */
export async function consume(
  client: Client,
  options: {
    bootstrap: string
    topics: string[]
    max: number
    group?: string
    timeout?: number
    through?: number
  },
): Promise<ConsumedRecord[]> {
  const child = startDriver(client, 'consume', { ...options, topics: options.topics.join(',') })
  const { status, stdout, stderr } = await finished(child, '', (options.timeout ?? 30_000) + 30_000)
  if (status !== 0) throw new Error(`${client} consume: status ${status}: ${stderr.slice(-2_000)}`)
  return parseRecords(stdout)
}

export function parseRecords(stdout: string): ConsumedRecord[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as ConsumedRecord)
}
