// What the Node drivers share: the command line and the JSON lines of drivers.ts.

import { createInterface } from 'node:readline'

export interface LineRecord {
  key: string | null
  value: string | null
  headers: [string, string | null][]
  partition?: number
  timestamp?: number
}

export const options: Record<string, string | undefined> = {}
for (let i = 3; i + 1 < process.argv.length; i += 2) {
  options[process.argv[i].slice(2)] = process.argv[i + 1]
}

export function option(name: string): string {
  const value = options[name]
  if (value === undefined) throw new Error(`--${name} is missing`)
  return value
}

/** Base64 to bytes; null stays null. */
export function data(encoded: string | null): Buffer | null {
  return encoded === null ? null : Buffer.from(encoded, 'base64')
}

export function text(bytes: Uint8Array | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('base64')
}

/** --raw true: a line is a value, in and out, with nothing around it. */
const raw = options['raw'] === 'true'

function parseLine(line: string): LineRecord {
  if (!raw) return JSON.parse(line) as LineRecord
  return { key: null, value: Buffer.from(line).toString('base64'), headers: [], partition: 0 }
}

/** The records of standard input, `count` at a time. */
export async function* linesIn(count: number): AsyncGenerator<LineRecord[]> {
  let batch: LineRecord[] = []
  for await (const line of createInterface({ input: process.stdin })) {
    batch.push(parseLine(line))
    if (batch.length < count) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

export interface PrintedRecord {
  topic: string
  partition: number
  offset: number
  timestamp: number
  key: Uint8Array | null | undefined
  value: Uint8Array | null | undefined
  headers: [string, string | null][]
}

const printed: Buffer[] = []
let printedBytes = 0

export function print(record: PrintedRecord): void {
  const bytes = raw
    ? Buffer.concat([record.value ?? Buffer.alloc(0), Buffer.from('\n')])
    : Buffer.from(
        `${JSON.stringify({ ...record, key: text(record.key), value: text(record.value) })}\n`,
      )
  printed.push(bytes)
  printedBytes += bytes.length
  if (!raw || printedBytes > 1 << 20) flushPrinted()
}

/** Hands what was printed to standard output; `done` runs when it has got there. */
export function flushPrinted(done: () => void = () => {}): void {
  process.stdout.write(Buffer.concat(printed.splice(0)), done)
  printedBytes = 0
}
