// The terms of a produce request, in its headers: under which the broker appends its records, or does not.
//
//   Idempotency-Key: "order-17"      once only, however often the request is sent
//   If-Match: "42"                   only where the partition ends at offset 42
//   Producer-Id: p · Producer-Epoch: 0 · Producer-Seq: 7
//                                    Kafka's idempotent producer: the first record has sequence 7
//
// A key is a string of RFC 9651, in quotes, or the same without quotes where it needs none.

import { done, failed, type Outcome, type Problem } from './problem.ts'
import { type BodySource, headerOf } from './request-body.ts'
import { parseQuoted } from './structured-fields.ts'

export interface ProducerSequence {
  readonly id: string
  readonly epoch: number
  /** Of the request's first record. */
  readonly sequence: number
}

export interface ProduceTerms {
  readonly idempotencyKey?: string
  readonly expectedEnd?: number
  readonly producer?: ProducerSequence
}

const keyLengthMax = 255
const epochMax = 2 ** 15 - 1
const sequenceMax = 2 ** 31 - 1
/** Without spaces and commas: two headers of a name arrive as one, joined by them. */
const plainKey = /^[!#-+\--[\]-~]+$/

/** undefined: there are none. */
export function parseProduceTerms(source: BodySource): Outcome<ProduceTerms | undefined> {
  const key = headerOf(source, 'idempotency-key')
  const match = headerOf(source, 'if-match')
  const id = headerOf(source, 'producer-id')
  const epoch = headerOf(source, 'producer-epoch')
  const sequence = headerOf(source, 'producer-seq')
  const producerNamed = id !== undefined || epoch !== undefined || sequence !== undefined
  if (key === undefined && match === undefined && !producerNamed) return none
  const idempotencyKey = key === undefined ? done(undefined) : parseIdempotencyKey(key)
  if (!idempotencyKey.ok) return idempotencyKey
  const expectedEnd = match === undefined ? done(undefined) : parseIfMatch(match)
  if (!expectedEnd.ok) return expectedEnd
  const producer = producerNamed ? parseProducer({ id, epoch, sequence }) : done(undefined)
  if (!producer.ok) return producer
  if (key !== undefined && producerNamed) {
    return invalid('Idempotency-Key', 'Idempotency-Key and Producer-Id exclude each other')
  }
  return done({
    idempotencyKey: idempotencyKey.value,
    expectedEnd: expectedEnd.value,
    producer: producer.value,
  })
}

const none = done(undefined)

function parseIdempotencyKey(text: string): Outcome<string> {
  const key = text.startsWith('"') ? parseQuoted(text) : plainKey.test(text) ? text : undefined
  if (key === undefined) {
    return invalid(
      'Idempotency-Key',
      'a string of RFC 9651 ("…"), or visible ASCII without quotes, commas, backslashes and spaces',
    )
  }
  if (key === '' || key.length > keyLengthMax) {
    return invalid('Idempotency-Key', `1 to ${keyLengthMax} characters`)
  }
  return done(key)
}

/** An entity tag that is an offset; `*` is any. */
function parseIfMatch(text: string): Outcome<number | undefined> {
  if (text.trim() === '*') return done(undefined)
  const found = /^\s*"(\d{1,16})"\s*$/.exec(text)
  const offset = Number(found?.[1])
  if (!Number.isSafeInteger(offset)) {
    return invalid('If-Match', 'one end offset in quotes, such as "42"')
  }
  return done(offset)
}

function parseProducer(given: {
  id: string | undefined
  epoch: string | undefined
  sequence: string | undefined
}): Outcome<ProducerSequence> {
  const { id, epoch, sequence } = given
  if (id === undefined || epoch === undefined || sequence === undefined) {
    return invalid('Producer-Id', 'Producer-Id, Producer-Epoch and Producer-Seq go together')
  }
  if (id === '' || id.length > keyLengthMax) {
    return invalid('Producer-Id', `1 to ${keyLengthMax} characters`)
  }
  const epochNumber = parseWhole(epoch, epochMax)
  if (epochNumber === undefined) return invalid('Producer-Epoch', `0 to ${epochMax}`)
  const sequenceNumber = parseWhole(sequence, sequenceMax)
  if (sequenceNumber === undefined) return invalid('Producer-Seq', `0 to ${sequenceMax}`)
  return done({ id, epoch: epochNumber, sequence: sequenceNumber })
}

function parseWhole(text: string, max: number): number | undefined {
  const value = /^\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN
  return value <= max ? value : undefined
}

function invalid(name: string, detail: string): { readonly ok: false; readonly problem: Problem } {
  const errors = [{ code: 'invalid_parameter', pointer: name, detail }]
  return failed({ code: 'invalid_parameter', detail: `${name}: ${detail}`, errors })
}
