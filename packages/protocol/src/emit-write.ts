// Emits the writer of one struct after another, flat: one function writes the whole message. Where
// a value cannot be written it only refuses; codec.ts then asks the interpreter what was wrong.
import { isDefault } from './defaults.ts'
import { Emitter } from './emitter.ts'
import { layout, type Named } from './layout.ts'
import type { Field, Fields, Type } from './schema.ts'

/** Source that writes to `w` what stands in an object. */
export class WriteEmitter extends Emitter {
  struct(fields: Fields, value: string): void {
    const { plain, tagged, absent } = layout(fields, this.context)
    for (const [name, field] of absent) {
      if (field.ignorable) continue
      const one = `${value}.${name}`
      this.line(`if (${one} !== undefined && ${this.#isSet(field, one)}) w.refuse()`)
    }
    for (const [name, field] of plain) {
      const one = this.fresh(name)
      this.line(`${field.omittable ? 'let' : 'const'} ${one} = ${value}.${name}`)
      if (field.omittable) this.line(`if (${one} === undefined) ${one} = ${this.defaultOf(field)}`)
      this.#field(field, one)
    }
    if (this.context.flexible) this.#tags(tagged, value)
    else this.line(`if (${value}.unknownTags !== undefined) w.noTags(${value}.unknownTags)`)
  }

  #tags(tagged: readonly Named[], value: string): void {
    const unknown = this.fresh('u')
    this.line(`const ${unknown} = ${value}.unknownTags`)
    const known = tagged.map(([, field]) => field.tag)
    const unknownCount = `w.unknownTagCount(${unknown}, [${known.join(', ')}])`
    const count = this.fresh('n')
    this.line(`let ${count} = ${unknown} === undefined ? 0 : ${unknownCount}`)
    const set = tagged.map(([name, field]) => {
      const one = this.fresh(name)
      this.line(`const ${one} = ${value}.${name}`)
      const isSet = this.fresh('s')
      this.line(`const ${isSet} = ${one} !== undefined && ${this.#isSet(field, one)}`)
      this.line(`if (${isSet}) ${count}++`)
      return { field, one, isSet }
    })
    this.line(`w.uvarint(${count})`)
    let from = 0
    for (const { field, one, isSet } of set) {
      this.line(`if (${unknown} !== undefined) w.unknownTags(${unknown}, ${from}, ${field.tag})`)
      this.block(`if (${isSet})`, () => {
        const mark = this.fresh('m')
        this.line(`const ${mark} = w.beginTag(${field.tag})`)
        this.#field(field, one)
        this.line(`w.endTag(${mark})`)
      })
      from = field.tag! + 1
    }
    this.line(`if (${unknown} !== undefined) w.unknownTags(${unknown}, ${from}, Infinity)`)
  }

  /** An expression: whether what is not undefined differs from the default. */
  #isSet(field: Field, one: string): string {
    const kind = field.type.kind
    if (kind === 'struct' || kind === 'array' || kind === 'bytes') {
      return `!${this.constant(isDefault)}(${this.constant(field)}, ${one})`
    }
    return `${one} !== ${this.constant(field.default)}`
  }

  #field(field: Field, one: string): void {
    const nullable = this.isNullable(field)
    if (field.type.kind === 'struct' && nullable) {
      const { fields } = field.type
      this.line(`if (${one} === null) w.int8(-1)`)
      this.block('else', () => {
        this.line('w.int8(1)')
        this.struct(fields, one)
      })
    } else {
      this.#value(field.type, one, nullable)
    }
  }

  #value(type: Type, one: string, nullable: boolean): void {
    const { flexible } = this.context
    const orNull = nullable ? 'OrNull' : ''
    switch (type.kind) {
      case 'struct':
        this.struct(type.fields, one)
        break
      case 'array':
        this.#array(type.of, one, nullable)
        break
      case 'string':
        this.line(`w.${flexible ? 'compactString' : 'string'}${orNull}(${one})`)
        break
      case 'bytes':
        this.line(`w.${flexible ? 'compactBytes' : 'bytes'}${orNull}(${one})`)
        break
      case 'records':
        this.line(`w.${flexible ? 'compactRecords' : 'records'}(${one})`)
        break
      default:
        this.line(`w.${type.kind}(${one})`)
    }
  }

  #array(of: Type, array: string, nullable: boolean): void {
    const { flexible } = this.context
    const body = () => {
      this.line(`w.${flexible ? 'compactArrayLength' : 'arrayLength'}(${array})`)
      const i = this.fresh('i')
      this.block(`for (let ${i} = 0; ${i} < ${array}.length; ${i}++)`, () => {
        const one = this.fresh('x')
        this.line(`const ${one} = ${array}[${i}]`)
        this.#value(of, one, false)
      })
    }
    if (!nullable) {
      body()
      return
    }
    this.line(`if (${array} === null) w.${flexible ? 'compactNull' : 'arrayNull'}()`)
    this.block('else', body)
  }
}
