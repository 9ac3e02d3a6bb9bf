// The vocabulary in which Kafka's messages are stated: one value per message, for all its versions.
//
//   message('HeartbeatRequest', { apiKey: 12, versions: '0-4', flexible: '4+' }, {
//     groupId: string(),
//     groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
//   })
//
// Key order is wire order and names are Kafka's own. The TypeScript types, the codec and the
// printed explanation are all derived from the value; nothing is generated into the repository.
import type { Reader } from './reader.ts'
import type { UnknownTag } from './unknown-tag.ts'
import type { Writer } from './writer.ts'

/** Inclusive on both ends; an empty range has max < min. */
export interface Versions {
  readonly min: number
  readonly max: number
}

/** '3' | '0-4' | '3+' | 'none' */
export type VersionText = `${number}` | `${number}-${number}` | `${number}+` | 'none'

export type PrimitiveKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'clampedInt64'
  | 'bigint64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

export type Type =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'array'; readonly of: Type }
  | { readonly kind: 'struct'; readonly fields: Fields }

declare const types: unique symbol

/**
 * A field as the codec sees it. `Out` is what decoding yields, `In` what encoding takes and
 * `Omittable` whether encoding may do without; the three exist only for the compiler.
 */
export interface Field<Out = unknown, In = unknown, Omittable extends boolean = boolean> {
  readonly type: Type
  /** Versions of the message that have the field (within those that have its struct). */
  readonly versions: Versions
  readonly nullable: Versions
  /** Versions in which it is a tagged field; only with `tag`. */
  readonly tagged: Versions
  readonly tag: number | undefined
  /** What it is where it is absent; `undefined` stands for an empty array and a default struct. */
  readonly default: unknown
  /** A value that the version cannot carry is dropped instead of refused. */
  readonly ignorable: boolean
  /** Encoding may do without it and writes the default. */
  readonly omittable: boolean
  readonly [types]: { readonly out: Out; readonly in: In; readonly omittable: Omittable }
}

export type Fields = Readonly<Record<string, Field>>

export interface Message<F extends Fields = Fields> {
  readonly name: string
  /** Undefined for a message that is not an API's, such as a record's value. */
  readonly apiKey: number | undefined
  readonly versions: Versions
  /** Versions with compact encodings and tagged fields. */
  readonly flexible: Versions
  readonly fields: F
  /** Filled by the codec: one reader and one writer per version, made on first use. */
  readonly codecs: { readonly read: Read[]; readonly write: Write[] }
}

export type Read = (reader: Reader) => unknown
export type Write = (writer: Writer, value: unknown) => void

export interface Tagged {
  unknownTags?: UnknownTag[]
}

// Shows in an editor as the object it is and not as the types it was made of.
type Plain<T> = T extends infer O ? { [K in keyof O]: O[K] } : never

type DecodedFields<F extends Fields> = Plain<
  { -readonly [K in keyof F]: F[K][typeof types]['out'] } & Tagged
>

type OmittableKey<F extends Fields> = {
  [K in keyof F]: F[K][typeof types]['omittable'] extends true ? K : never
}[keyof F]

type EncodableFields<F extends Fields> = Plain<
  { readonly [K in Exclude<keyof F, OmittableKey<F>>]: F[K][typeof types]['in'] } & {
    readonly [K in OmittableKey<F>]?: F[K][typeof types]['in']
  } & Readonly<Tagged>
>

/** What decoding yields: every field is there, with its default where the version lacks it. */
export type Decoded<M extends Message> = string extends keyof M['fields']
  ? object // some message, nobody knows which
  : DecodedFields<M['fields']>

/**
 * What encoding takes. A field may be left out when the schema states a default for it, when some
 * versions lack it, or when it is tagged; what every version carries must be given.
 */
export type Encodable<M extends Message> = string extends keyof M['fields']
  ? object
  : EncodableFields<M['fields']>

export interface Options<Default> {
  readonly versions?: VersionText
  readonly nullable?: VersionText
  readonly default?: Default | null
  readonly ignorable?: boolean
  readonly tag?: number
  /** Needs `tag`; all flexible versions unless stated. */
  readonly taggedVersions?: VersionText
}

type OrNull<T, O> = O extends { nullable: string } ? T | null : T
type IsOmittable<O> = O extends { default: unknown } | { versions: string } | { tag: number }
  ? true
  : false
type FieldOf<Out, In, O> = Field<OrNull<Out, O>, OrNull<In, O>, IsOmittable<O>>

const latestVersion = 32767
const noVersions: Versions = { min: 0, max: -1 }

export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

const primitiveDefaults: Readonly<Record<PrimitiveKind, unknown>> = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0,
  clampedInt64: 0,
  bigint64: 0n,
  float64: 0,
  uuid: zeroUuid,
  string: '',
  bytes: Buffer.alloc(0),
  records: null,
}

function primitive<Out, In = Out, Default = Out>(kind: PrimitiveKind) {
  return <const O extends Options<Default>>(options?: O): FieldOf<Out, In, O> =>
    field({ kind }, primitiveDefaults[kind], options)
}

export const bool = primitive<boolean>('bool')
export const int8 = primitive<number>('int8')
export const int16 = primitive<number>('int16')
export const uint16 = primitive<number>('uint16')
export const int32 = primitive<number>('int32')
export const uint32 = primitive<number>('uint32')
/** A number; a value past 2^53 is refused in both directions. */
export const int64 = primitive<number>('int64')
/**
 * As int64, but a value past 2^53 is read as the nearest that a number holds. For fields of requests
 * where it means no more than "beyond all there is", and Kafka answers it.
 */
export const clampedInt64 = primitive<number>('clampedInt64')
/** For the few fields where all 64 bits are legal. */
export const bigint64 = primitive<bigint>('bigint64')
export const float64 = primitive<number>('float64')
/** 22 characters of unpadded base64url, as Kafka prints it. */
export const uuid = primitive<string>('uuid')
export const string = primitive<string>('string')
/** Decodes to a view on the input. */
export const bytes = primitive<Buffer, Uint8Array, never>('bytes')

/** Record batches: a view on the input, and on encoding one or more buffers that are not copied. */
export function records<const O extends Options<never>>(
  options?: O,
): Field<Buffer | null, Uint8Array | readonly Uint8Array[] | null, IsOmittable<O>> {
  return field({ kind: 'records' }, null, { nullable: '0+', ...options })
}

/** An array of the element's type; options stated on the element itself mean nothing. */
export function array<Out, In, const O extends Options<never>>(
  of: Field<Out, In, boolean>,
  options?: O,
): FieldOf<Out[], readonly In[], O> {
  return field({ kind: 'array', of: of.type }, undefined, options)
}

/** A nested struct. Versions stated inside are versions of the message. */
export function struct<const F extends Fields, const O extends Options<never>>(
  fields: F,
  options?: O,
): FieldOf<DecodedFields<F>, EncodableFields<F>, O> {
  checkNames(fields)
  return field({ kind: 'struct', fields }, undefined, options)
}

export function message<const F extends Fields>(
  name: string,
  options: { apiKey?: number; versions: VersionText; flexible: VersionText },
  fields: F,
): Message<F> {
  if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) throw new Error(`${name} is not a message name`)
  checkNames(fields)
  return {
    name,
    apiKey: options.apiKey,
    versions: parseVersions(options.versions),
    flexible: parseVersions(options.flexible),
    fields,
    codecs: { read: [], write: [] },
  }
}

export function includes(versions: Versions, version: number): boolean {
  return version >= versions.min && version <= versions.max
}

export function parseVersions(text: VersionText): Versions {
  if (text === 'none') return noVersions
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (!match) throw new Error(`'${text}' is not a range of versions`)
  const min = Number(match[1])
  return { min, max: match[2] ? latestVersion : Number(match[3] ?? min) }
}

// Names become source text in the compiled codec: nothing but plain identifiers may pass.
function checkNames(fields: Fields): void {
  for (const name of Object.keys(fields)) {
    if (!/^[a-z]\w*$/i.test(name) || name === 'unknownTags') throw new Error(`bad name ${name}`)
  }
}

function field<Out, In, Omittable extends boolean>(
  type: Type,
  implicitDefault: unknown,
  options: Options<unknown> = {},
): Field<Out, In, Omittable> {
  const nullable = parseVersions(options.nullable ?? 'none')
  if (options.default === null && nullable === noVersions) {
    throw new Error('a default of null needs nullable versions')
  }
  if (options.tag !== undefined && type.kind === 'records') throw new Error('records have no tag')
  return {
    type,
    versions: parseVersions(options.versions ?? '0+'),
    nullable,
    tagged: parseVersions(options.taggedVersions ?? (options.tag === undefined ? 'none' : '0+')),
    tag: options.tag,
    default: options.default === undefined ? implicitDefault : options.default,
    ignorable: options.ignorable ?? false,
    omittable: 'default' in options || 'versions' in options || 'tag' in options,
  } as Field<Out, In, Omittable>
}
