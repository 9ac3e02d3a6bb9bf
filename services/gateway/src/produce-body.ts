// A produce request's body as records, by its Content-Type:
//
//   application/json                {"records": [{…}]}, or bare values with ?values=true
//   application/x-ndjson            a record a line (record-lines.ts)
//   application/cloudevents+json    an event, -batch+json an array of them; also by ce- headers
//   application/vnd.stream.records  binary records (binary-records.ts)
//   application/vnd.kafka.recordbatch  batches, stored as they are (record-batches.ts)
//   everything else                 one record, whose value is the body byte for byte

import { z } from '@hono/zod-openapi'
import { parseBinaryRecords } from './binary-records.ts'
import { binaryEvent, type EventAttribute, eventRecord } from './cloud-events.ts'
import { type JsonBody, parseJsonBody } from './json-body.ts'
import { elementSlices, memberSlice } from './json-scan.ts'
import { mediaTypeOf } from './media-types.ts'
import { plainRecords, plainValues } from './plain-records.ts'
import { done, failed, type Outcome, type Problem, type ProblemEntry } from './problem.ts'
import { parseRecordBatches } from './record-batches.ts'
import { parseRecordHeaders, parseRecordKey } from './record-headers.ts'
import { type ProduceRecord, recordSchema, toRecord, valueRecord } from './record-json.ts'
import { LineSplitter, parseRecordLine } from './record-lines.ts'
import { parseTimestamp } from './timestamps.ts'
import { schemaEntries } from './validation.ts'

export interface ProduceBody {
  readonly records: readonly ProduceRecord[]
  /** The records' own ids, echoed in the results; absent where no record has one. */
  readonly ids?: readonly (string | undefined)[]
  /** Instead of records: whole batches. */
  readonly batches?: readonly Buffer[]
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
  /** Attributes of a CloudEvent in binary mode (ce- headers); undefined: it is none. */
  readonly event?: readonly EventAttribute[]
  readonly nowMs: number
}

export interface ProduceBodyLimits {
  readonly recordsMax: number
  readonly jsonDepthMax: number
}

const jsonType = 'application/json'
export const linesType = 'application/x-ndjson'
const eventType = 'application/cloudevents+json'
const eventsType = 'application/cloudevents-batch+json'
const binaryType = 'application/vnd.stream.records'
export const batchesType = 'application/vnd.kafka.recordbatch'

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
  if (input.event !== undefined) return parseBinaryEvent(input, input.event)
  if (type === jsonType) return parseJsonRecords(input, limits)
  if (type === linesType) return parseLines(input, limits)
  if (input.values) {
    const detail = `values=true needs Content-Type: ${jsonType}, not ${type || 'none'}`
    return failed({ code: 'unsupported_media_type', detail })
  }
  const format = formats[type]
  if (format === undefined) return parseRawRecord(input)
  return ownKeys(input) ?? format(input, limits)
}

const formats: {
  readonly [type: string]:
    | ((input: ProduceInput, limits: ProduceBodyLimits) => Outcome<ProduceBody>)
    | undefined
} = {
  [eventType]: (input, limits) => parseEvents(input, limits, false),
  [eventsType]: (input, limits) => parseEvents(input, limits, true),
  [binaryType]: parseBinary,
  [batchesType]: parseBatches,
}

function parseBinary(input: ProduceInput, { recordsMax }: ProduceBodyLimits): Outcome<ProduceBody> {
  const records = parseBinaryRecords(input.body, { nowMs: input.nowMs, recordsMax })
  if (!records.ok) return records
  return records.value.length === 0 ? failed(noRecord) : done({ records: records.value })
}

function parseBatches({ body }: ProduceInput): Outcome<ProduceBody> {
  const batches = parseRecordBatches(body)
  return batches.ok ? done({ records: [], batches: batches.value }) : batches
}

function parseBinaryEvent(
  { body, contentType, nowMs }: ProduceInput,
  attributes: readonly EventAttribute[],
): Outcome<ProduceBody> {
  const record = binaryEvent(attributes, body, { contentType, nowMs })
  return record.ok ? done({ records: [record.value] }) : record
}

function parseEvents(
  { body, nowMs }: ProduceInput,
  limits: ProduceBodyLimits,
  batch: boolean,
): Outcome<ProduceBody> {
  const parsed = parseJsonBody(body, limits.jsonDepthMax)
  if (!parsed.ok) return parsed
  const { value, text } = parsed.value
  if (batch && !Array.isArray(value)) {
    return failed({ code: 'invalid_request', detail: 'a batch of events is a JSON array' })
  }
  const events: unknown[] = batch ? (value as unknown[]) : [value]
  const excess = countProblem(events.length, limits)
  if (excess) return failed(excess)
  const starts = batch ? elementSlices(text, 0).map(({ start }) => start) : [0]
  const records: ProduceRecord[] = []
  const wrong: ProblemEntry[] = []
  events.forEach((event, index) => {
    const result = eventRecord(event, { index, text, at: starts[index], nowMs })
    if (result.ok) records.push(result.record)
    else if (wrong.length < entriesMax) wrong.push(result.error)
  })
  return wrong.length > 0 ? failed(invalidRecords(wrong)) : done({ records })
}

/** All lines are right, or nothing is stored: as with any other body that is read as a whole. */
function parseLines(input: ProduceInput, limits: ProduceBodyLimits): Outcome<ProduceBody> {
  const { body, values, nowMs } = input
  const splitter = new LineSplitter(body.length)
  const lines = [...splitter.push(body), ...splitter.end()]
  const excess = countProblem(lines.length, limits)
  if (excess) return failed(excess)
  const records: ProduceRecord[] = []
  const ids: (string | undefined)[] = []
  const wrong: ProblemEntry[] = []
  lines.forEach((line, index) => {
    if (line === 'too-long') return
    const result = parseRecordLine(line, { values, nowMs, jsonDepthMax: limits.jsonDepthMax })
    if (result.ok) {
      records.push(result.record)
      ids.push(result.id)
    } else if (wrong.length < entriesMax) {
      wrong.push({ index, ...result.flaw })
    }
  })
  if (wrong.length > 0) return failed(invalidRecords(wrong))
  return done({ records, ids: ids.some((id) => id !== undefined) ? ids : undefined })
}

/** A problem where a raw record's key comes with a body that has keys of its own. */
function ownKeys({ key, recordKey }: ProduceInput): Outcome<never> | undefined {
  if (key === undefined && recordKey === undefined) return undefined
  return failed(invalidParameter('key', 'the records of this type carry their own keys'))
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
  const { body, values, nowMs } = input
  const plain = values
    ? plainValues(body, { ...limits, nowMs })
    : plainRecords(body, { ...limits, nowMs })
  return plain ? done(plain) : parseAnyJsonRecords(input, limits)
}

/** In whatever form they come, or what is wrong with them. */
export function parseAnyJsonRecords(
  { body, values, nowMs }: Pick<ProduceInput, 'body' | 'values' | 'nowMs'>,
  limits: ProduceBodyLimits,
): Outcome<ProduceBody> {
  const parsed = parseJsonBody(body, limits.jsonDepthMax)
  if (!parsed.ok) return parsed
  return values
    ? valueRecords(parsed.value, nowMs, limits)
    : objectRecords(parsed.value, nowMs, limits)
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

const noRecord: Problem = {
  code: 'invalid_request',
  detail: 'there is no record in the request',
}

function countProblem(count: number, { recordsMax }: ProduceBodyLimits): Problem | undefined {
  if (count === 0) return noRecord
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
