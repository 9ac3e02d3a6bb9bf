// Requests of Kafka's protocol as a transcript states them, for what no tool sends:
//
//   ask createTopics.7 {topics:[{name:"",numPartitions:1,replicationFactor:1}],timeoutMs:1000}
//
// What a request leaves out has the schema's default; bytes are in base64. The answer comes on one line, with
// lists in an order of their own, since theirs says nothing. Each request has a connection to itself.

import { connect } from 'node:net'
import { type Api, apis } from '@sluice/protocol/apis'
import { FrameReader, readResponse, requestFrame } from '@sluice/protocol/frame'
import type { Fields, Type } from '@sluice/protocol/schema'

const answerTimeoutMs = 20_000
const answerBytesMax = 2 ** 24
/** Of no interest, or another one in each run. */
const untold: ReadonlySet<string> = new Set(['throttleTimeMs', 'unknownTags'])

/** @returns the answer, 'closed' where the broker ends the connection, 'silence' where it does not answer. */
export async function ask(port: number, what: string, body: string): Promise<string> {
  const [name, version] = what.split('.')
  const api = (apis as Readonly<Record<string, Api>>)[name]
  if (!api) throw new Error(`there is no API ${name}`)
  const given: unknown = JSON.parse(body.replace(/([{,])(\w+):/g, '$1"$2":'))
  const frame = requestFrame(api, Number(version), 1, 'scene', whole(api.request.fields, given))
  const answered = await exchange(port, frame)
  if (typeof answered === 'string') return answered
  return plain(readResponse(api, Number(version), answered).body).replace(/"(\w+)":/g, '$1:')
}

function exchange(port: number, request: readonly Buffer[]): Promise<Buffer | string> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    const end = (with_: Buffer | string) => {
      clearTimeout(timer)
      socket.destroy()
      done(with_)
    }
    const timer = setTimeout(end, answerTimeoutMs, 'silence')
    const reader = new FrameReader({ maxBytes: answerBytesMax, onFrame: end })
    socket.on('data', (bytes: Buffer) => reader.push(bytes))
    socket.on('error', () => end('closed')).on('close', () => end('closed'))
    socket.write(Buffer.concat(request))
  })
}

function whole(fields: Fields, given: unknown): object {
  const values = given as Readonly<Record<string, unknown>>
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(fields, name)) throw new Error(`there is no field ${name}`)
  }
  const entries = Object.entries(fields).map(([name, { type, default: absent }]) => {
    if (Object.hasOwn(values, name)) return [name, valueIn(type, values[name])]
    return [name, absent === undefined ? nothing(type) : absent]
  })
  return Object.fromEntries(entries)
}

function nothing(type: Type): unknown {
  if (type.kind === 'array') return []
  return type.kind === 'struct' ? whole(type.fields, {}) : undefined
}

function valueIn(type: Type, given: unknown): unknown {
  if (given === null) return null
  if (type.kind === 'array') return (given as unknown[]).map((one) => valueIn(type.of, one))
  if (type.kind === 'struct') return whole(type.fields, given)
  if (type.kind === 'bigint64') return BigInt(given as number)
  if (type.kind === 'bytes' || type.kind === 'records') return Buffer.from(String(given), 'base64')
  return given
}

function plain(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString('base64'))
  if (Array.isArray(value)) return `[${value.map(plain).sort().join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const told = Object.entries(value).filter(([name]) => !untold.has(name))
  return `{${told.map(([name, of]) => `"${name}":${plain(of)}`).join(',')}}`
}
