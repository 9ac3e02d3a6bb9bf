// A produce request's body as records, by its Content-Type:
//
//   application/json                {"records": [{…}]}, or bare values with ?values=true
//   everything else                 one record, whose value is the body byte for byte
//
// Types that will one day mean more than one record are refused rather than stored as one.

import { z } from '@hono/zod-openapi'
import { type JsonBody, parseJsonBody } from './json-body.ts'
import { elementSlices, memberSlice } from './json-scan.ts'
import { mediaTypeOf } from './media-types.ts'
import { done, failed, type Outcome, type Problem, type ProblemEntry } from './problem.ts'
import { parseRecordHeaders, parseRecordKey } from './record-headers.ts'
import { type ProduceRecord, recordSchema, toRecord, valueRecord } from './record-json.ts'
import { parseTimestamp } from './timestamps.ts'
import { schemaEntries } from './validation.ts'

export interface ProduceBody {
  readonly records: readonly ProduceRecord[]
  /** The records' own ids, echoed in the results; absent where no record has one. */
  readonly ids?: readonly (string | undefined)[]
}

export interface ProduceInput {
  readonly contentType: string | undefined
  readonly body: Buffer
  /** JSON: the body is a value, or an array of them. */
  readonly values: boolean
  /** Of a raw record: `?key=`. */
  readonly key: string | undefined
  /** Of a raw record: Record-Key, Record-Timestamp, Record-Header. */
  readonly recordKey: string | undefined
  readonly recordTimestamp: string | undefined
  readonly recordHeader: string | undefined
  readonly nowMs: number
}

export interface ProduceBodyLimits {
  readonly recordsMax: number
  readonly jsonDepthMax: number
}

const jsonType = 'application/json'
const reservedTypes: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
  'application/vnd.stream.records',
  'application/vnd.kafka.recordbatch',
])

/** Problems listed of one request; the rest would help nobody. */
const entriesMax = 100

export const produceBodySchema = z
  .strictObject({ records: z.array(recordSchema).min(1) })
  .openapi('ProduceRequest')

export function parseProduceBody(
  input: ProduceInput,
  limits: ProduceBodyLimits,
): Outcome<ProduceBody> {
  const type = mediaTypeOf(input.contentType)
  if (type === jsonType) return parseJsonRecords(input, limits)
  if (reservedTypes.has(type)) {
    return failed({ code: 'unsupported_media_type', detail: `${type} is not there yet` })
  }
  if (input.values) {
    const detail = `values=true needs Content-Type: ${jsonType}, not ${type || 'none'}`
    return failed({ code: 'unsupported_media_type', detail })
  }
  return parseRawRecord(input)
}

function parseRawRecord(input: ProduceInput): Outcome<ProduceBody> {
  const { recordKey, recordTimestamp, recordHeader } = input
  if (recordKey !== undefined && input.key !== undefined) {
    return failed(invalidParameter('Record-Key', 'the key is given twice: Record-Key and ?key='))
  }
  const key = input.key !== undefined ? Buffer.from(input.key) : keyOf(recordKey)
  const timestamp = recordTimestamp === undefined ? input.nowMs : parseTimestamp(recordTimestamp)
  if (timestamp === undefined) {
    return failed(invalidParameter('Record-Timestamp', 'milliseconds since 1970 or RFC 3339'))
  }
  if (recordHeader === undefined) {
    return done({ records: [{ key, value: input.body, timestamp }] })
  }
  const parsed = parseRecordHeaders(recordHeader)
  if (!parsed.ok) return failed(invalidParameter('Record-Header', parsed.message))
  return done({ records: [{ key, value: input.body, timestamp, headers: parsed.headers }] })
}

function keyOf(recordKey: string | undefined): Buffer | null {
  return recordKey === undefined ? null : parseRecordKey(recordKey)
}

function parseJsonRecords(input: ProduceInput, limits: ProduceBodyLimits): Outcome<ProduceBody> {
  if (input.key !== undefined || input.recordKey !== undefined) {
    return failed(invalidParameter('key', 'a JSON record carries its own key'))
  }
  const parsed = parseJsonBody(input.body, limits.jsonDepthMax)
  if (!parsed.ok) return parsed
  return input.values
    ? valueRecords(parsed.value, input.nowMs, limits)
    : objectRecords(parsed.value, input.nowMs, limits)
}

function valueRecords(
  { value, text }: JsonBody,
  nowMs: number,
  limits: ProduceBodyLimits,
): Outcome<ProduceBody> {
  if (!Array.isArray(value)) return done({ records: [valueRecord(value, text.trim(), nowMs)] })
  const excess = countProblem(value.length, limits)
  if (excess) return failed(excess)
  const slices = elementSlices(text, 0)
  const records = value.map((element, index) => {
    const { start, end } = slices[index]
    return valueRecord(element, text.slice(start, end), nowMs)
  })
  return done({ records })
}

function objectRecords(
  { value, text }: JsonBody,
  nowMs: number,
  limits: ProduceBodyLimits,
): Outcome<ProduceBody> {
  const list = (value as { records?: unknown } | null)?.records
  const excess = Array.isArray(list) ? countProblem(list.length, limits) : undefined
  if (excess) return failed(excess)
  const checked = produceBodySchema.safeParse(value)
  if (!checked.success) return failed(invalidRecords(schemaEntries(checked.error, entriesMax)))
  const { records: jsons } = checked.data
  // Exact texts are only looked up where a value is more than a string.
  const places = jsons.some(hasJsonText) ? recordPlaces(text) : undefined
  const records: ProduceRecord[] = []
  const wrong: ProblemEntry[] = []
  jsons.forEach((json, index) => {
    const source = places && { text, at: places[index] }
    const result = toRecord(json, { index, source, nowMs })
    if (result.ok) records.push(result.record)
    else if (wrong.length < entriesMax) wrong.push(result.error)
  })
  if (wrong.length > 0) return failed(invalidRecords(wrong))
  const ids = jsons.some(({ id }) => id !== undefined) ? jsons.map(({ id }) => id) : undefined
  return done({ records, ids })
}

function hasJsonText({ key, value }: { key?: unknown; value?: unknown }): boolean {
  return isJsonText(value) || isJsonText(key)
}

function isJsonText(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'string'
}

/** Where each record's object begins. */
function recordPlaces(text: string): number[] {
  const list = memberSlice(text, 0, 'records')
  return list ? elementSlices(text, list.start).map(({ start }) => start) : []
}

function countProblem(count: number, { recordsMax }: ProduceBodyLimits): Problem | undefined {
  if (count === 0) return { code: 'invalid_request', detail: 'there is no record in the request' }
  if (count <= recordsMax) return undefined
  const detail = `${count} records; a request holds at most ${recordsMax}`
  return { code: 'too_many_records', detail }
}

function invalidRecords(errors: readonly ProblemEntry[]): Problem {
  const detail = 'nothing was stored: not all records are valid'
  return { code: 'invalid_record', detail, errors }
}

function invalidParameter(name: string, detail: string): Problem {
  const errors = [{ code: 'invalid_parameter', pointer: name, detail }]
  return { code: 'invalid_parameter', detail: `${name}: ${detail}`, errors }
}
