// application/x-ndjson: a record object a line (record-json.ts), or a bare value with ?values=true. Empty
// lines count for nothing. Each line is judged alone, so that those behind a bad one are still understood.

import { isUtf8 } from 'node:buffer'
import { findJsonError } from './json-error.ts'
import { nestsDeeperThan } from './json-scan.ts'
import { plainRecord } from './plain-records.ts'
import type { ProblemCode } from './problem.ts'
import { type ProduceRecord, recordSchema, toRecord, valueRecord } from './record-json.ts'

export interface LineOptions {
  readonly values: boolean
  readonly nowMs: number
  readonly jsonDepthMax: number
}

export interface LineFlaw {
  readonly code: ProblemCode
  readonly detail: string
}

export type LineResult =
  | { readonly ok: true; readonly record: ProduceRecord; readonly id: string | undefined }
  | { readonly ok: false; readonly flaw: LineFlaw }

/** A line without its end. */
export function parseRecordLine(line: Buffer, options: LineOptions): LineResult {
  if (!isUtf8(line)) return flawed('malformed_json', 'the line is not UTF-8')
  const plain = options.values ? undefined : plainRecord(line, options)
  return plain ? { ok: true, ...plain } : parseAnyRecordLine(line, options)
}

/** In whatever form it comes, or what is wrong with it. */
export function parseAnyRecordLine(line: Buffer, options: LineOptions): LineResult {
  const text = line.toString('utf8')
  if (nestsDeeperThan(text, options.jsonDepthMax)) {
    const detail = `arrays and objects nest at most ${options.jsonDepthMax} deep`
    return flawed('json_too_deep', detail)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const { position, expected } = findJsonError(text)
    return flawed('malformed_json', `expected ${expected} at column ${position + 1}`)
  }
  if (options.values) {
    return { ok: true, record: valueRecord(value, text.trim(), options.nowMs), id: undefined }
  }
  const checked = recordSchema.safeParse(value)
  if (!checked.success) {
    const [{ path, message }] = checked.error.issues
    return flawed('invalid_record', path.length === 0 ? message : `${path.join('.')}: ${message}`)
  }
  const { nowMs } = options
  const result = toRecord(checked.data, { index: 0, source: { text, at: 0 }, nowMs })
  if (!result.ok) return flawed('invalid_record', result.error.detail)
  return { ok: true, record: result.record, id: checked.data.id }
}

function flawed(code: ProblemCode, detail: string): LineResult {
  return { ok: false, flaw: { code, detail } }
}

const newline = 0x0a
const carriageReturn = 0x0d

/** Cuts a body that comes in pieces into lines of at most `bytesMax`. */
export class LineSplitter {
  readonly #bytesMax: number
  #parts: Buffer[] = []
  #bytes = 0
  /** The line under way is longer than may be; the rest of it is skipped. */
  #overlong = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The lines that end in this piece; 'too-long' stands for one that was. Empty ones are left out. */
  push(piece: Buffer): (Buffer | 'too-long')[] {
    const lines: (Buffer | 'too-long')[] = []
    let at = 0
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, at)) {
      this.#add(piece.subarray(at, end))
      this.#finish(lines)
      at = end + 1
    }
    this.#add(piece.subarray(at))
    return lines
  }

  /** The last line, where it has no end. */
  end(): (Buffer | 'too-long')[] {
    const lines: (Buffer | 'too-long')[] = []
    this.#finish(lines)
    return lines
  }

  #add(part: Buffer): void {
    if (part.length === 0 || this.#overlong) return
    this.#bytes += part.length
    if (this.#bytes <= this.#bytesMax) {
      this.#parts.push(part)
      return
    }
    this.#overlong = true
    this.#parts = []
  }

  #finish(lines: (Buffer | 'too-long')[]): void {
    const [first] = this.#parts
    let line = this.#parts.length === 1 ? first : Buffer.concat(this.#parts)
    if (line.at(-1) === carriageReturn) line = line.subarray(0, -1)
    if (this.#overlong) lines.push('too-long')
    else if (!isBlank(line)) lines.push(line)
    this.#parts = []
    this.#bytes = 0
    this.#overlong = false
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09)
}
