// A record in a JSON produce request, and the bytes that it becomes.
//
//   {"key": "order-17", "value": {"total": 12.50}, "headers": [["trace","abc"]], "partition": 0,
//    "timestamp": 1767225600000, "id": "1"}
//
// A string is its UTF-8 bytes (so that a key goes where Java's StringSerializer would send it), null is
// null (a tombstone), and any other value is its JSON text exactly as it stands in the request. Bytes come
// as base64 in key_b64, value_b64 and in a header's {"b64": …}.

import { z } from '@hono/zod-openapi'
import type { RecordInput } from '@sluice/protocol/records/record-writer'
import { memberSlice } from './json-scan.ts'
import type { ProblemEntry } from './problem.ts'
import { parseTimestamp } from './timestamps.ts'

export const partitionMax = 0x7fffffff
export const recordIdLengthMax = 255

const base64 = z.base64().openapi({ format: 'byte' })

const headerSchema = z.tuple([
  z.string(),
  z.union([z.string(), z.null(), z.strictObject({ b64: base64 })]),
])

export const recordSchema = z
  .strictObject({
    key: z.unknown().optional().openapi({ description: 'A string, null, or any JSON value' }),
    key_b64: base64.optional(),
    value: z.unknown().optional().openapi({
      description: 'A string is stored as its UTF-8 bytes, null as null, all else as its JSON text',
    }),
    value_b64: base64.optional(),
    headers: z.array(headerSchema).optional(),
    partition: z.int().min(0).max(partitionMax).optional(),
    timestamp: z
      .union([z.int().min(0), z.string()])
      .optional()
      .openapi({ description: 'Milliseconds since 1970, or RFC 3339' }),
    id: z.string().max(recordIdLengthMax).optional().openapi({
      description: 'Comes back in the result',
    }),
  })
  .openapi('ProduceRecord')

export type JsonRecord = z.infer<typeof recordSchema>

/** A record ready for the producer; `partition` where the caller chose one. */
export interface ProduceRecord extends RecordInput {
  readonly partition?: number
}

export type RecordResult =
  | { readonly ok: true; readonly record: ProduceRecord }
  | { readonly ok: false; readonly error: ProblemEntry }

export interface RecordPlace {
  readonly index: number
  /** The request's text and where the record's object begins in it: exact values are cut from there. */
  readonly source?: { readonly text: string; readonly at: number }
  /** For a record without a time of its own. */
  readonly nowMs: number
}

export function toRecord(json: JsonRecord, place: RecordPlace): RecordResult {
  const { index } = place
  if (json.key !== undefined && json.key_b64 !== undefined) {
    return invalid(index, 'key_b64', 'key and key_b64 exclude each other')
  }
  if ((json.value === undefined) === (json.value_b64 === undefined)) {
    return invalid(index, 'value', 'one of value (null for a tombstone) and value_b64 is needed')
  }
  const timestamp = timestampOf(json, place.nowMs)
  if (timestamp === undefined) {
    return invalid(index, 'timestamp', 'milliseconds since 1970 or RFC 3339')
  }
  const record: ProduceRecord = {
    timestamp,
    key: bytesOf(json, 'key', place),
    value: bytesOf(json, 'value', place),
    headers: json.headers?.map(([key, value]) => ({ key, value: headerValue(value) })),
    partition: json.partition,
  }
  return { ok: true, record }
}

/** A record that is only a value; `text` is its exact JSON text. */
export function valueRecord(value: unknown, text: string, nowMs: number): ProduceRecord {
  if (value === null) return { key: null, value: null, timestamp: nowMs }
  const bytes = Buffer.from(typeof value === 'string' ? value : text)
  return { key: null, value: bytes, timestamp: nowMs }
}

function bytesOf(json: JsonRecord, name: 'key' | 'value', { source }: RecordPlace): Buffer | null {
  const encoded = json[`${name}_b64`]
  if (encoded !== undefined) return Buffer.from(encoded, 'base64')
  const value = json[name]
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return Buffer.from(value)
  const slice = source && memberSlice(source.text, source.at, name)
  return Buffer.from(slice ? source.text.slice(slice.start, slice.end) : JSON.stringify(value))
}

function headerValue(value: string | null | { b64: string }): Buffer | null {
  if (value === null) return null
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.b64, 'base64')
}

function timestampOf({ timestamp }: JsonRecord, nowMs: number): number | undefined {
  if (timestamp === undefined) return nowMs
  return typeof timestamp === 'number' ? timestamp : parseTimestamp(timestamp)
}

function invalid(index: number, member: string, detail: string): RecordResult {
  const pointer = `/records/${index}/${member}`
  return { ok: false, error: { index, pointer, code: 'invalid_record', detail } }
}
