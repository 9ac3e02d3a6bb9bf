// Definition: what one config is: its type, default, legal values, what it does, and whether it does
// anything here. The tables in tables/ are made of these; everything else about configs is derived.
//
//   'num.partitions': int(1, 'Partitions of a topic created without a number.', { min: 1 })
//
// Values are parsed as Kafka parses them: trimmed, lists split at commas, an absent value is null only
// where the default is null. Longs are numbers; Long.MAX_VALUE is `longMax` and prints as Kafka prints it.

export type ConfigType =
  | 'boolean'
  | 'string'
  | 'int'
  | 'short'
  | 'long'
  | 'double'
  | 'list'
  | 'class'
  | 'password'

export type Effect = 'implemented' | { readonly noEffect: string }

export interface Definition<T> {
  readonly type: ConfigType
  readonly default: T
  /** What it does, in our words: one sentence or two. */
  readonly doc: string
  readonly effect: Effect
  readonly min?: number
  readonly max?: number
  /** Legal although it is not between the two. */
  readonly also?: number
  /** Legal values (of a list: of each entry). */
  readonly values?: readonly string[]
  readonly ignoreCase?: boolean
  /** No empty string, no empty list. */
  readonly nonEmpty?: boolean
  /** What a list or string has to look like. */
  readonly form?: TextForm
}

export interface TextForm {
  /** The text as a whole. */
  readonly pattern: RegExp
  /** Completes "<name> must be …". */
  readonly words: string
}

export interface Options {
  readonly min?: number
  readonly max?: number
  readonly also?: number
  readonly values?: readonly string[]
  readonly ignoreCase?: boolean
  readonly nonEmpty?: boolean
  readonly form?: TextForm
  /** Why it is accepted and does nothing; starts with "because". */
  readonly noEffect?: string
}

/** A table of definitions by config name. */
export type ConfigTable = Readonly<Record<string, Definition<unknown>>>

/** The typed, parsed values of a table. */
export type Values<T extends ConfigTable> = {
  readonly [K in keyof T]: T[K] extends Definition<infer V> ? V : never
}

type Widen<D, T> = D extends null ? T | null : T

/** Long.MAX_VALUE as a number (2^63): "no limit". */
export const longMax = 2 ** 63
export const intMax = 2 ** 31 - 1
const shortMax = 2 ** 15 - 1

function define<T>(type: ConfigType, value: T, doc: string, options: Options): Definition<T> {
  const { noEffect, ...limits } = options
  return {
    type,
    default: value,
    doc,
    effect: noEffect === undefined ? 'implemented' : { noEffect },
    ...limits,
  }
}

export function int<D extends number | null>(value: D, doc: string, options: Options = {}) {
  return define<Widen<D, number>>('int', value as Widen<D, number>, doc, options)
}

export function short(value: number, doc: string, options: Options = {}) {
  return define<number>('short', value, doc, options)
}

export function long<D extends number | null>(value: D, doc: string, options: Options = {}) {
  return define<Widen<D, number>>('long', value as Widen<D, number>, doc, options)
}

export function double(value: number, doc: string, options: Options = {}) {
  return define<number>('double', value, doc, options)
}

export function boolean(value: boolean, doc: string, options: Options = {}) {
  return define<boolean>('boolean', value, doc, options)
}

export function string<D extends string | null>(value: D, doc: string, options: Options = {}) {
  return define<Widen<D, string>>('string', value as Widen<D, string>, doc, options)
}

/** A string out of a few; the values are its type. */
export function choice<const V extends string>(
  values: readonly V[],
  value: NoInfer<V>,
  doc: string,
  options: Options = {},
) {
  return define<V>('string', value, doc, { ...options, values })
}

export function list<D extends readonly string[] | null>(
  value: D,
  doc: string,
  options: Options = {},
) {
  return define<Widen<D, readonly string[]>>(
    'list',
    value as Widen<D, readonly string[]>,
    doc,
    options,
  )
}

export function className(value: string | null, doc: string, options: Options = {}) {
  return define<string | null>('class', value, doc, options)
}

export function password(doc: string, options: Options = {}) {
  return define<string | null>('password', null, doc, options)
}

export type ParsedValue = { ok: true; value: unknown } | { ok: false; message: string }

/** Parses `text` as a value of `definition`; a message says what it must be (Kafka's wording). */
export function parseValue(definition: Definition<unknown>, text: string): ParsedValue {
  const trimmed = text.trim()
  switch (definition.type) {
    case 'boolean':
      return parseBoolean(trimmed)
    case 'int':
    case 'short':
    case 'long':
      return parseWhole(definition, trimmed)
    case 'double':
      return parseDouble(definition, trimmed)
    case 'list':
      return parseList(definition, trimmed)
    default:
      if (definition.default === null && trimmed === '') return { ok: true, value: null }
      return misshapen(definition, trimmed) ?? parseString(definition, trimmed)
  }
}

/** The value as Kafka's tools print it: a double as Java does, `1.0`. */
export function formatValue(value: unknown, type?: ConfigType): string | null {
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return value.join(',')
  if (value === longMax) return '9223372036854775807'
  if (value === Number.MAX_VALUE) return '1.7976931348623157E308'
  return type === 'double' && Number.isInteger(value) ? `${value}.0` : String(value)
}

function parseBoolean(text: string): ParsedValue {
  const lower = text.toLowerCase()
  if (lower === 'true') return { ok: true, value: true }
  if (lower === 'false') return { ok: true, value: false }
  return { ok: false, message: 'Expected value to be either true or false' }
}

const wholeLimits = {
  int: { low: -(2n ** 31n), high: 2n ** 31n - 1n },
  short: { low: -(2n ** 15n), high: BigInt(shortMax) },
  long: { low: -(2n ** 63n), high: 2n ** 63n - 1n },
}

function parseWhole(definition: Definition<unknown>, text: string): ParsedValue {
  const type = definition.type as keyof typeof wholeLimits
  const limits = wholeLimits[type]
  const wrong: ParsedValue = { ok: false, message: `Not a number of type ${type.toUpperCase()}` }
  if (!/^[+-]?\d{1,20}$/.test(text)) return wrong
  const exact = BigInt(text.startsWith('+') ? text.slice(1) : text)
  if (exact < limits.low || exact > limits.high) return wrong
  return inRange(definition, Number(exact))
}

function parseDouble(definition: Definition<unknown>, text: string): ParsedValue {
  const value = Number(text)
  if (text === '' || Number.isNaN(value)) {
    return { ok: false, message: 'Not a number of type DOUBLE' }
  }
  return inRange(definition, value)
}

function inRange(definition: Definition<unknown>, value: number): ParsedValue {
  const { min, max, also } = definition
  if (also !== undefined) {
    if (value === also || (value >= (min ?? value) && value <= (max ?? value))) {
      return { ok: true, value }
    }
    return { ok: false, message: `Value must be between ${min} and ${max} or equal to ${also}` }
  }
  if (min !== undefined && value < min) {
    return { ok: false, message: `Value must be at least ${min}` }
  }
  if (max !== undefined && value > max) {
    return { ok: false, message: `Value must be no more than ${max}` }
  }
  return { ok: true, value }
}

const emptyEntry: ParsedValue = { ok: false, message: 'its entries must not be empty' }

function parseList(definition: Definition<unknown>, text: string): ParsedValue {
  const entries = text === '' ? [] : text.split(',').map((entry) => entry.trim())
  if (definition.nonEmpty && entries.length === 0) {
    return { ok: false, message: 'it must not be empty' }
  }
  const wrong = misshapen(definition, text)
  if (wrong) return wrong
  for (const entry of entries) {
    const parsed = entry === '' ? emptyEntry : parseString(definition, entry)
    if (!parsed.ok) return parsed
  }
  // What is named twice counts once (KIP-1161).
  return { ok: true, value: Object.freeze([...new Set(entries)]) }
}

function misshapen({ form }: Definition<unknown>, text: string): ParsedValue | undefined {
  if (form === undefined || form.pattern.test(text)) return undefined
  return { ok: false, message: `it must be ${form.words}` }
}

function parseString(definition: Definition<unknown>, text: string): ParsedValue {
  const { values, ignoreCase, nonEmpty } = definition
  if (nonEmpty && text === '') return { ok: false, message: 'String must be non-empty' }
  if (values === undefined) return { ok: true, value: text }
  const same = (known: string) =>
    ignoreCase ? known.toLowerCase() === text.toLowerCase() : known === text
  const value = values.find(same)
  if (value === undefined) {
    return { ok: false, message: `String must be one of: ${values.join(', ')}` }
  }
  return { ok: true, value }
}
