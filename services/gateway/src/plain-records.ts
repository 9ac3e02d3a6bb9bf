// Records of a JSON body in the form that nearly all have: {"records":[{"key":…,"value":…},…]}, also with
// partition, timestamp, id and headers of text; and bare values. Their bytes are taken out of the body as they
// stand there, where parsing would copy each value three times.
//
// undefined: the body has another form or is wrong. Then json-body.ts and the schema of record-json.ts say
// what it is; whatever is taken here they would take, with the same result.

import { isUtf8 } from 'node:buffer'
import type { RecordInput } from '@sluice/protocol/records/record-writer'
import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  JsonBytes,
  openBrace,
  openBracket,
  quote,
} from './json-bytes.ts'
import { type ProduceRecord, partitionMax, recordIdLengthMax } from './record-json.ts'

export interface PlainRecords {
  readonly records: readonly ProduceRecord[]
  /** Absent where no record has one. */
  readonly ids: readonly (string | undefined)[] | undefined
}

export interface PlainRecord {
  readonly record: ProduceRecord
  readonly id: string | undefined
}

export interface PlainOptions {
  readonly jsonDepthMax: number
  /** For a record without a time of its own. */
  readonly nowMs: number
}

/** Arrays and objects around a record. */
const depthInBody = 2
const partitionDigitsMax = 10
/** Well below 2^53. */
const timestampDigitsMax = 15

export function plainRecords(
  body: Buffer,
  { recordsMax, jsonDepthMax, nowMs }: PlainOptions & { readonly recordsMax: number },
): PlainRecords | undefined {
  if (!isUtf8(body)) return undefined
  const json = new JsonBytes(body, jsonDepthMax)
  if (!json.take(openBrace) || !json.string() || !json.is('records')) return undefined
  if (!json.take(colon) || !json.take(openBracket)) return undefined
  const records: ProduceRecord[] = []
  let ids: (string | undefined)[] | undefined
  do {
    const found = takeRecord(json, depthInBody, nowMs)
    if (found === undefined || records.length === recordsMax) return undefined
    if (found.id !== undefined) ids ??= records.map(() => undefined)
    ids?.push(found.id)
    records.push(found.record)
  } while (json.take(comma))
  const whole = json.take(closeBracket) && json.take(closeBrace) && json.peek() < 0
  return whole ? { records, ids } : undefined
}

/** The elements of an array, each of them a value. */
export function plainValues(
  body: Buffer,
  { recordsMax, jsonDepthMax, nowMs }: PlainOptions & { readonly recordsMax: number },
): PlainRecords | undefined {
  if (!isUtf8(body)) return undefined
  const json = new JsonBytes(body, jsonDepthMax)
  if (!json.take(openBracket)) return undefined
  const records: ProduceRecord[] = []
  do {
    const value = takeBytes(json, 1)
    if (value === undefined || records.length === recordsMax) return undefined
    records.push({ key: null, value, timestamp: nowMs })
  } while (json.take(comma))
  return json.take(closeBracket) && json.peek() < 0 ? { records, ids: undefined } : undefined
}

/** A record that is a whole text in UTF-8: a line. */
export function plainRecord(
  line: Buffer,
  { jsonDepthMax, nowMs }: PlainOptions,
): PlainRecord | undefined {
  const json = new JsonBytes(line, jsonDepthMax)
  const found = takeRecord(json, 0, nowMs)
  return json.peek() < 0 ? found : undefined
}

function takeRecord(json: JsonBytes, depthAround: number, nowMs: number): PlainRecord | undefined {
  const depth = depthAround + 1
  let key: Buffer | null | undefined
  let value: Buffer | null | undefined
  let headers: RecordInput['headers']
  let partition = -1
  let timestamp = -1
  let id: string | undefined
  if (!json.take(openBrace)) return undefined
  // Each member at most once: of two the last one counts, and the first may be wrong.
  do {
    if (!json.string()) return undefined
    if (value === undefined && json.is('value')) {
      value = json.take(colon) ? takeBytes(json, depth) : undefined
      if (value === undefined) return undefined
    } else if (key === undefined && json.is('key')) {
      key = json.take(colon) ? takeBytes(json, depth) : undefined
      if (key === undefined) return undefined
    } else if (partition < 0 && json.is('partition')) {
      partition = json.take(colon) ? takeWhole(json, partitionDigitsMax) : -1
      if (partition < 0 || partition > partitionMax) return undefined
    } else if (timestamp < 0 && json.is('timestamp')) {
      timestamp = json.take(colon) ? takeWhole(json, timestampDigitsMax) : -1
      if (timestamp < 0) return undefined
    } else if (headers === undefined && json.is('headers')) {
      headers = json.take(colon) ? takeHeaders(json) : undefined
      if (headers === undefined) return undefined
    } else if (id === undefined && json.is('id')) {
      id = json.take(colon) ? takeId(json) : undefined
      if (id === undefined) return undefined
    } else return undefined
  } while (json.take(comma))
  if (value === undefined || !json.take(closeBrace)) return undefined
  const record: ProduceRecord = {
    timestamp: timestamp < 0 ? nowMs : timestamp,
    key: key ?? null,
    value,
    headers,
    partition: partition < 0 ? undefined : partition,
  }
  return { record, id }
}

/** A key or a value: a string's text, null, or any other value as it stands there. */
function takeBytes(json: JsonBytes, depth: number): Buffer | null | undefined {
  if (json.peek() === quote) return json.string() ? json.text() : undefined
  if (!json.value(depth)) return undefined
  return json.is('null') ? null : json.bytes.subarray(json.start, json.end)
}

/** -1: it is none. */
function takeWhole(json: JsonBytes, digitsMax: number): number {
  return json.peek() !== quote && json.value(0) ? json.whole(digitsMax) : -1
}

/** Pairs of strings. */
function takeHeaders(json: JsonBytes): RecordInput['headers'] {
  if (!json.take(openBracket)) return undefined
  const headers: { key: string; value: Buffer }[] = []
  do {
    if (!json.take(openBracket) || !json.string() || json.escaped) return undefined
    const key = json.text().toString()
    if (!json.take(comma) || !json.string()) return undefined
    headers.push({ key, value: json.text() })
    if (!json.take(closeBracket)) return undefined
  } while (json.take(comma))
  return json.take(closeBracket) ? headers : undefined
}

/** It comes back as it came: an escape may stand for what UTF-8 has not. */
function takeId(json: JsonBytes): string | undefined {
  if (!json.string() || json.escaped) return undefined
  const id = json.text().toString()
  return id.length > recordIdLengthMax ? undefined : id
}
