// Filters of a read: `key=K`, `header=NAME` or `header=NAME=VALUE` (again and again: all must hold). A cursor
// remembers which filter it was made with, because positions of one filter mean nothing to another.

import { crc32c } from '@sluice/protocol/records/crc32c'
import type { Record } from '@sluice/protocol/records/record'

export interface HeaderFilter {
  readonly name: string
  /** undefined: any value. */
  readonly value: Buffer | undefined
}

export class RecordFilter {
  /** What a cursor says of it; 0 where everything passes. */
  readonly hash: number
  readonly #key: Buffer | undefined
  readonly #headers: readonly HeaderFilter[]

  constructor(key: Buffer | undefined, headers: readonly HeaderFilter[] = []) {
    this.#key = key
    this.#headers = headers
    this.hash = this.passesAll ? 0 : crc32c(Buffer.from(canonical(key, headers))) || 1
  }

  get passesAll(): boolean {
    return this.#key === undefined && this.#headers.length === 0
  }

  passes({ key, headers }: Record): boolean {
    if (this.#key !== undefined && !key?.equals(this.#key)) return false
    return this.#headers.every(({ name, value }) =>
      headers.some((it) => it.key === name && (value === undefined || it.value?.equals(value))),
    )
  }
}

/** `NAME` or `NAME=VALUE`, the value as UTF-8; undefined: no name. */
export function parseHeaderFilter(text: string): HeaderFilter | undefined {
  const equals = text.indexOf('=')
  if (equals === 0 || text === '') return undefined
  if (equals < 0) return { name: text, value: undefined }
  return { name: text.slice(0, equals), value: Buffer.from(text.slice(equals + 1)) }
}

/** The same for the same filter, in whatever order its parts were given. */
function canonical(key: Buffer | undefined, headers: readonly HeaderFilter[]): string {
  const parts = headers.map(({ name, value }) => JSON.stringify([name, value?.toString('base64')]))
  return JSON.stringify([key?.toString('base64'), parts.sort()])
}
