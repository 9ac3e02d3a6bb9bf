// The codec, walking the schema for each message. It says what is right: the compiled codec must
// agree with it byte for byte. It also serves where code generation is forbidden, and goes over a
// message again that the compiled codec refused, to say which field was at fault.
import { at, EncodeError } from './codec-error.ts'
import { defaultOf, isDefault } from './defaults.ts'
import { bytesMin, type Context, contextOf, layout } from './layout.ts'
import type { Reader } from './reader.ts'
import { type Field, type Fields, includes, type Message, type Type } from './schema.ts'
import type { UnknownTag } from './unknown-tag.ts'
import type { Writer } from './writer.ts'

type Struct = Record<string, unknown>

export function interpretRead(message: Message, version: number, reader: Reader): Struct {
  return readStruct(reader, message.fields, contextOf(message, version))
}

export function interpretWrite(
  message: Message,
  version: number,
  writer: Writer,
  value: unknown,
): void {
  writeStruct(writer, message.fields, value, contextOf(message, version))
}

function readStruct(reader: Reader, fields: Fields, context: Context): Struct {
  const { plain, tagged } = layout(fields, context)
  const read = new Map<string, unknown>()
  for (const [name, field] of plain) {
    read.set(
      name,
      at(name, () => readField(reader, field, context)),
    )
  }
  const value: Struct = {}
  if (context.flexible) {
    for (let left = reader.tagCount(); left > 0; left--) {
      const tag = reader.uvarint()
      const outerEnd = reader.enterTag()
      const known = tagged.find(([, field]) => field.tag === tag)
      if (known) {
        const [name, field] = known
        read.set(
          name,
          at(name, () => readField(reader, field, context)),
        )
      } else {
        const tags = value['unknownTags'] as UnknownTag[] | undefined
        value['unknownTags'] = reader.unknownTag(tags, tag)
      }
      reader.leaveTag(outerEnd)
    }
  }
  for (const [name, field] of Object.entries(fields)) {
    value[name] = read.has(name) ? read.get(name) : defaultOf(field)
  }
  return value
}

function readField(reader: Reader, field: Field, context: Context): unknown {
  const nullable = includes(field.nullable, context.version)
  if (field.type.kind === 'struct' && nullable && !reader.present()) return null
  return readValue(reader, field.type, nullable, context)
}

function readValue(reader: Reader, type: Type, nullable: boolean, context: Context): unknown {
  const { flexible } = context
  switch (type.kind) {
    case 'string':
      if (flexible) return nullable ? reader.compactStringOrNull() : reader.compactString()
      return nullable ? reader.stringOrNull() : reader.string()
    case 'bytes':
    case 'records':
      if (flexible) return nullable ? reader.compactBytesOrNull() : reader.compactBytes()
      return nullable ? reader.bytesOrNull() : reader.bytes()
    case 'struct':
      return readStruct(reader, type.fields, context)
    case 'array': {
      const least = Math.max(1, bytesMin(type.of, context))
      const count = readCount(reader, least, nullable, flexible)
      if (count < 0) return null
      const values: unknown[] = []
      for (let i = 0; i < count; i++) {
        values.push(at(i, () => readValue(reader, type.of, false, context)))
      }
      return values
    }
    default:
      return reader[type.kind]()
  }
}

function readCount(reader: Reader, least: number, nullable: boolean, flexible: boolean): number {
  if (flexible) {
    return nullable ? reader.compactArrayLengthOrNull(least) : reader.compactArrayLength(least)
  }
  return nullable ? reader.arrayLengthOrNull(least) : reader.arrayLength(least)
}

function writeStruct(writer: Writer, fields: Fields, value: unknown, context: Context): void {
  if (typeof value !== 'object' || value === null) {
    throw new EncodeError(value === undefined ? 'is missing' : `${value} is not a struct`)
  }
  const struct = value as Struct
  const { plain, tagged, absent } = layout(fields, context)
  for (const [name, field] of absent) {
    if (!field.ignorable && !isDefault(field, struct[name])) {
      at(name, () => refuse(`version ${context.version} cannot carry it`))
    }
  }
  for (const [name, field] of plain) {
    at(name, () => writeField(writer, field, givenOrDefault(field, struct[name]), context))
  }
  const unknown = (struct['unknownTags'] ?? []) as readonly UnknownTag[]
  if (!context.flexible) {
    if (unknown.length > 0) refuse(`version ${context.version} has no tagged fields`)
    return
  }
  const known = tagged.map(([, field]) => field.tag!)
  const set = tagged.filter(([name, field]) => !isDefault(field, struct[name]))
  writer.uvarint(set.length + writer.unknownTagCount(unknown, known))
  let from = 0
  for (const [name, field] of set) {
    writer.unknownTags(unknown, from, field.tag!)
    const mark = writer.beginTag(field.tag!)
    at(name, () => writeField(writer, field, struct[name], context))
    writer.endTag(mark)
    from = field.tag! + 1
  }
  writer.unknownTags(unknown, from, Number.POSITIVE_INFINITY)
}

// Undefined where nothing is given for a field that must be: the writer then refuses it.
function givenOrDefault(field: Field, value: unknown): unknown {
  return value === undefined && field.omittable ? defaultOf(field) : value
}

function writeField(writer: Writer, field: Field, value: unknown, context: Context): void {
  const nullable = includes(field.nullable, context.version)
  if (value === null && !nullable) refuse('is null where the version allows none')
  if (field.type.kind === 'struct' && nullable) {
    writer.int8(value === null ? -1 : 1)
    if (value === null) return
  }
  writeValue(writer, field.type, value, nullable, context)
}

function writeValue(
  writer: Writer,
  type: Type,
  value: unknown,
  nullable: boolean,
  context: Context,
): void {
  const { flexible } = context
  switch (type.kind) {
    case 'string':
      if (flexible) writer.compactStringOrNull(value as string)
      else writer.stringOrNull(value as string)
      break
    case 'bytes':
      if (flexible) writer.compactBytesOrNull(value as Uint8Array)
      else writer.bytesOrNull(value as Uint8Array)
      break
    case 'records':
      if (flexible) writer.compactRecords(value as Uint8Array)
      else writer.records(value as Uint8Array)
      break
    case 'struct':
      writeStruct(writer, type.fields, value, context)
      break
    case 'array': {
      if (value === null && nullable) {
        if (flexible) writer.compactNull()
        else writer.arrayNull()
        break
      }
      const values = value as readonly unknown[]
      if (flexible) writer.compactArrayLength(values)
      else writer.arrayLength(values)
      for (const [i, one] of values.entries()) {
        at(i, () => {
          if (one === null) refuse('is null')
          writeValue(writer, type.of, one, false, context)
        })
      }
      break
    }
    default:
      writer[type.kind](value as never)
  }
}

function refuse(why: string): never {
  throw new EncodeError(why)
}
