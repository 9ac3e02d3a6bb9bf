// CloudEvents 1.0, as records of the Kafka binding's binary mode: the data is the value, each attribute a
// header ce_<name>, datacontenttype the header content-type, and partitionkey the key.
//
//   application/cloudevents+json         one event; application/cloudevents-batch+json  an array
//   ce-id, ce-source, ce-type, … headers  the body is the data (HTTP binding, binary mode)

import { memberSlice } from './json-scan.ts'
import { done, failed, type Outcome, type Problem, type ProblemEntry } from './problem.ts'
import type { ProduceRecord } from './record-json.ts'

export type EventAttribute = readonly [name: string, value: string]

const required = ['id', 'source', 'specversion', 'type']
const attributeName = /^[a-z0-9]+$/
const base64 = /^[A-Za-z0-9+/]*={0,2}$/
const data = new Set(['data', 'data_base64'])

/** The event that begins at `at` of the request's text. */
export interface EventPlace {
  readonly index: number
  readonly text: string
  readonly at: number
  readonly nowMs: number
}

export type EventResult =
  | { readonly ok: true; readonly record: ProduceRecord }
  | { readonly ok: false; readonly error: ProblemEntry }

/** Of an event in JSON. */
export function eventRecord(event: unknown, place: EventPlace): EventResult {
  const { index, text, at, nowMs } = place
  const wrong = (detail: string): EventResult => ({
    ok: false,
    error: { index, code: 'invalid_record', detail },
  })
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return wrong('an event is a JSON object')
  }
  const members = Object.entries(event).filter(([, value]) => value !== null)
  const attributes: EventAttribute[] = []
  for (const [name, value] of members) {
    if (data.has(name)) continue
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      return wrong(`${name}: an attribute is a string, a number or a boolean`)
    }
    attributes.push([name, String(value)])
  }
  const flaw = flawOf(attributes)
  if (flaw !== undefined) return wrong(flaw)
  const value = dataOf(event, text, at)
  if (value === undefined)
    return wrong('data and data_base64 exclude each other; base64 is a string')
  const named = attributes.some(([name]) => name === 'datacontenttype')
  const json = 'data' in event && !named
  const contentType: EventAttribute[] = json ? [['datacontenttype', 'application/json']] : []
  return { ok: true, record: recordOf([...attributes, ...contentType], value, nowMs) }
}

/** Of a request in binary mode: `attributes` are its ce- headers, without the prefix. */
export function binaryEvent(
  attributes: readonly EventAttribute[],
  body: Buffer,
  { contentType, nowMs }: { contentType: string | undefined; nowMs: number },
): Outcome<ProduceRecord> {
  let decoded: EventAttribute[]
  try {
    decoded = attributes.map(([name, value]) => [name, unquoted(decodeURIComponent(utf8(value)))])
  } catch {
    return failed(invalidEvent('an attribute is not percent-encoded UTF-8'))
  }
  const flaw = flawOf(decoded)
  if (flaw !== undefined) return failed(invalidEvent(flaw))
  if (contentType !== undefined) decoded.push(['datacontenttype', contentType])
  return done(recordOf(decoded, body, nowMs))
}

function recordOf(
  attributes: readonly EventAttribute[],
  value: Buffer | null,
  nowMs: number,
): ProduceRecord {
  const key = attributes.find(([name]) => name === 'partitionkey')?.[1]
  const headers = attributes.map(([name, text]) => ({
    key: name === 'datacontenttype' ? 'content-type' : `ce_${name}`,
    value: Buffer.from(text),
  }))
  return { key: key === undefined ? null : Buffer.from(key), value, headers, timestamp: nowMs }
}

function flawOf(attributes: readonly EventAttribute[]): string | undefined {
  const strange = attributes.find(([name]) => !attributeName.test(name))
  if (strange) return `${strange[0]}: names of attributes are lower-case letters and digits`
  const missing = required.find((name) => !attributes.some(([it, value]) => it === name && value))
  if (missing) return `${missing}: every event has one`
  const version = attributes.find(([name]) => name === 'specversion')?.[1]
  return version === '1.0' ? undefined : `specversion: ${version}; 1.0 is understood`
}

interface EventData {
  readonly data?: unknown
  readonly data_base64?: unknown
  readonly datacontenttype?: unknown
}

/** undefined: it is not legal. Text is itself, other JSON its exact text, as it stands in the request. */
function dataOf(event: EventData, text: string, at: number): Buffer | null | undefined {
  const encoded = event.data_base64 ?? undefined
  const plain = event.data ?? undefined
  if (encoded !== undefined) {
    if (plain !== undefined || typeof encoded !== 'string' || !base64.test(encoded))
      return undefined
    return Buffer.from(encoded, 'base64')
  }
  if (plain === undefined) return null
  if (typeof plain === 'string' && !isJsonData(event)) return Buffer.from(plain)
  const slice = memberSlice(text, at, 'data')
  return Buffer.from(slice ? text.slice(slice.start, slice.end) : JSON.stringify(plain))
}

/** A string is JSON where the event says that its data is, or does not say. */
function isJsonData({ datacontenttype }: EventData): boolean {
  return typeof datacontenttype !== 'string' || /[/+]json\b/i.test(datacontenttype)
}

/** Node hands headers up as Latin-1. */
function utf8(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8')
}

function unquoted(value: string): string {
  return /^".*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
}

function invalidEvent(detail: string): Problem {
  return { code: 'invalid_record', detail: `nothing was stored: ${detail}` }
}
