// Emits the reader of one struct after another, flat: one function reads the whole message.
import { Emitter } from './emitter.ts'
import { bytesMin, layout, type Named } from './layout.ts'
import type { Field, Fields, Type } from './schema.ts'

/** Source that reads from `r`. Each method emits statements and returns the result's expression. */
export class ReadEmitter extends Emitter {
  struct(fields: Fields): string {
    const { plain, tagged } = layout(fields, this.context)
    const results = new Map<string, string>()
    for (const [name, field] of plain) {
      const result = this.fresh(name)
      results.set(name, result)
      this.#field(field, result, 'const')
    }
    const unknown = this.context.flexible ? this.#tags(tagged, results) : undefined
    const parts = Object.entries(fields).map(
      ([name, field]) => `${name}: ${results.get(name) ?? this.defaultOf(field)}`,
    )
    const result = this.fresh('o')
    this.line(`const ${result} = { ${parts.join(', ')} }`)
    if (unknown) this.line(`if (${unknown} !== undefined) ${result}.unknownTags = ${unknown}`)
    return result
  }

  #tags(tagged: readonly Named[], results: Map<string, string>): string {
    const unknown = this.fresh('u')
    if (tagged.length === 0) {
      this.line(`const ${unknown} = r.unknownTags()`)
      return unknown
    }
    for (const [name, field] of tagged) {
      const result = this.fresh(name)
      results.set(name, result)
      this.line(`let ${result} = ${this.defaultOf(field)}`)
    }
    const left = this.fresh('n')
    const tag = this.fresh('t')
    const end = this.fresh('e')
    this.line(`let ${unknown} = undefined`)
    this.block(`for (let ${left} = r.tagCount(); ${left} > 0; ${left}--)`, () => {
      this.line(`const ${tag} = r.uvarint()`)
      this.line(`const ${end} = r.enterTag()`)
      this.block(`switch (${tag})`, () => {
        for (const [name, field] of tagged) {
          this.block(`case ${field.tag}:`, () => {
            this.#field(field, results.get(name)!, '')
            this.line('break')
          })
        }
        this.line(`default: ${unknown} = r.unknownTag(${unknown}, ${tag})`)
      })
      this.line(`r.leaveTag(${end})`)
    })
    return unknown
  }

  #field(field: Field, target: string, keyword: 'const' | ''): void {
    const nullable = this.isNullable(field)
    const assign = keyword ? `${keyword} ${target}` : target
    if (field.type.kind === 'array') {
      this.#array(field.type.of, nullable, target, keyword)
    } else if (field.type.kind !== 'struct') {
      this.line(`${assign} = ${this.#primitive(field.type, nullable)}`)
    } else if (nullable) {
      this.line(`${keyword ? 'let ' : ''}${target} = null`)
      this.block('if (r.present())', () => {
        this.line(`${target} = ${this.struct((field.type as { fields: Fields }).fields)}`)
      })
    } else {
      this.line(`${assign} = ${this.struct(field.type.fields)}`)
    }
  }

  #array(of: Type, nullable: boolean, target: string, keyword: 'const' | ''): void {
    const { flexible } = this.context
    const length = this.fresh('n')
    const method = `${flexible ? 'compactArrayLength' : 'arrayLength'}${nullable ? 'OrNull' : ''}`
    this.line(`const ${length} = r.${method}(${Math.max(1, bytesMin(of, this.context))})`)
    const empty = nullable ? `${length} < 0 ? null : []` : '[]'
    this.line(`${keyword ? 'const ' : ''}${target} = ${empty}`)
    const i = this.fresh('i')
    this.block(`for (let ${i} = 0; ${i} < ${length}; ${i}++)`, () => {
      this.line(`${target}.push(${this.#element(of)})`)
    })
  }

  #element(type: Type): string {
    if (type.kind === 'struct') return this.struct(type.fields)
    if (type.kind !== 'array') return this.#primitive(type, false)
    const result = this.fresh('a')
    this.#array(type.of, false, result, 'const')
    return result
  }

  #primitive(type: Type, nullable: boolean): string {
    const compact = this.context.flexible
    const orNull = nullable ? 'OrNull' : ''
    switch (type.kind) {
      case 'string':
        return `r.${compact ? 'compactString' : 'string'}${orNull}()`
      case 'bytes':
      case 'records':
        return `r.${compact ? 'compactBytes' : 'bytes'}${orNull}()`
      default:
        return `r.${type.kind}()`
    }
  }
}
