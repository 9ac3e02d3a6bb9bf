// How a struct lies on the wire at one version of a message: what interpreter and compiler share.
//
//   plain fields, in the schema's order
//   flexible versions only: uvarint count, per tagged field uvarint tag, uvarint size, content
import { type Field, type Fields, includes, type Message, type Type } from './schema.ts'

export interface Context {
  readonly version: number
  readonly flexible: boolean
}

export type Named = readonly [name: string, field: Field]

export interface Layout {
  readonly plain: readonly Named[]
  readonly tagged: readonly Named[]
  /** Fields of other versions. */
  readonly absent: readonly Named[]
}

export function contextOf(message: Message, version: number): Context {
  return { version, flexible: includes(message.flexible, version) }
}

/** The fewest bytes that a value of `type` takes on the wire; a null's or an empty one's. */
export function bytesMin(type: Type, context: Context): number {
  const { flexible } = context
  switch (type.kind) {
    case 'bool':
    case 'int8':
      return 1
    case 'int16':
    case 'uint16':
      return 2
    case 'int32':
    case 'uint32':
      return 4
    case 'int64':
    case 'clampedInt64':
    case 'bigint64':
    case 'float64':
      return 8
    case 'uuid':
      return 16
    case 'string':
      return flexible ? 1 : 2
    case 'bytes':
    case 'records':
    case 'array':
      return flexible ? 1 : 4
    case 'struct': {
      let bytes = flexible ? 1 : 0
      for (const [, field] of layout(type.fields, context).plain) {
        const nullable = field.type.kind === 'struct' && includes(field.nullable, context.version)
        bytes += nullable ? 1 : bytesMin(field.type, context)
      }
      return bytes
    }
  }
}

/** Tagged fields come in ascending order of their tags, the others in that of the wire. */
export function layout(fields: Fields, { version, flexible }: Context): Layout {
  const absent: Named[] = []
  const plain: Named[] = []
  const tagged: Named[] = []
  for (const named of Object.entries(fields)) {
    const [, field] = named
    if (!includes(field.versions, version)) absent.push(named)
    else if (flexible && includes(field.tagged, version)) tagged.push(named)
    else plain.push(named)
  }
  tagged.sort(([, a], [, b]) => a.tag! - b.tag!)
  return { plain, tagged, absent }
}
