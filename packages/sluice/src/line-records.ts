// What a line of input is as a record, by `sluice produce --format`:
//
//   value   the line is the value, byte for byte; with --key-separator it is key, separator, value
//   json    the line is a record as the HTTP API takes it and as `sluice consume --format json` or base64
//           prints it: key, value (null for a tombstone), headers, timestamp, partition; its offset is ignored

import type { ProducerRecord } from '@sluice/core/kafka-client/producer'
import { Failure, usageFailure } from './failure.ts'

export const lineFormats = ['value', 'json'] as const
export type LineFormat = (typeof lineFormats)[number]

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer
}

export interface LineOptions {
  readonly format: LineFormat
  readonly keySeparator?: string
  /** Of every record. */
  readonly header?: RecordHeader[]
  readonly partition?: number
}

/** The record of a line; throws a Failure that names the line. */
export type LineReader = (line: Buffer, lineNumber: number) => ProducerRecord

/** Nesting of a line of JSON, as of a request's body over HTTP. */
const jsonDepthMax = 64

export async function lineReader(options: LineOptions): Promise<LineReader> {
  const { keySeparator, partition, header: headers } = options
  if (options.format === 'json') return jsonReader(options)
  if (keySeparator === undefined) return (value) => ({ key: null, value, headers, partition })
  if (keySeparator === '') throw usageFailure('--key-separator is empty')
  const separator = Buffer.from(keySeparator)
  return (line, lineNumber) => {
    const at = line.indexOf(separator)
    if (at < 0) throw usageFailure(`line ${lineNumber} has no key separator '${keySeparator}'`)
    const value = line.subarray(at + separator.length)
    return { key: line.subarray(0, at), value, headers, partition }
  }
}

/** The schema of the HTTP API is loaded only where lines are JSON. */
async function jsonReader(options: LineOptions): Promise<LineReader> {
  const { keySeparator, partition, header = [] } = options
  if (keySeparator !== undefined) {
    throw usageFailure('--key-separator does not go with --format json', 'a record has its key')
  }
  const [{ recordSchema, toRecord }, { parseJsonBody }] = await Promise.all([
    import('@sluice/gateway/record-json'),
    import('@sluice/gateway/json-body'),
  ])
  return (line, lineNumber) => {
    const body = parseJsonBody(line, jsonDepthMax)
    if (!body.ok) throw invalidLine(lineNumber, body.problem.detail)
    const { value: json, text } = body.value
    const checked = recordSchema.safeParse(withoutPosition(json))
    if (!checked.success) {
      const [{ path, message }] = checked.error.issues
      throw invalidLine(lineNumber, path.length > 0 ? `${path.join('.')}: ${message}` : message)
    }
    const made = toRecord(checked.data, { index: 0, source: { text, at: 0 }, nowMs: Date.now() })
    if (!made.ok) throw invalidLine(lineNumber, made.error.detail)
    const { record } = made
    const headers = [...header, ...(record.headers ?? [])]
    return { ...record, headers, partition: record.partition ?? partition }
  }
}

/** A record that was read says where; one without a time says null. */
function withoutPosition(json: unknown): unknown {
  if (json === null || typeof json !== 'object') return json
  const { offset: _, ...record } = json as Record<string, unknown>
  if (record['timestamp'] === null) delete record['timestamp']
  return record
}

function invalidLine(lineNumber: number, detail: string): Failure {
  return new Failure(`line ${lineNumber} is no record: ${detail}`)
}
