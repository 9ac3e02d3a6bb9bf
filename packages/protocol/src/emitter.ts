// Source text in the making: its lines, indented as they nest, the names it has used up and the
// constants it refers to. Only integers, null, booleans and names that schema.ts has checked stand
// in the text itself.
import type { Context } from './layout.ts'
import { type Field, includes } from './schema.ts'

export interface Source {
  readonly name: string
  readonly code: string
  /** What the code calls `c`. */
  readonly constants: readonly unknown[]
}

export abstract class Emitter {
  protected readonly context: Context
  readonly #lines: string[] = []
  readonly #constants: unknown[] = []
  #depth = 1
  #names = 0

  constructor(context: Context) {
    this.context = context
  }

  source(name: string, parameters: string): Source {
    const code = `function ${name}(${parameters}) {\n${this.#lines.join('\n')}\n}`
    return { name, code, constants: this.#constants }
  }

  line(text: string): void {
    this.#lines.push('  '.repeat(this.#depth) + text)
  }

  protected block(head: string, body: () => void, tail = '}'): void {
    this.line(`${head} {`)
    this.#depth++
    body()
    this.#depth--
    this.line(tail)
  }

  protected fresh(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  /** An expression for a value that is ours: small ones in place, the rest by way of `c`. */
  protected constant(value: unknown): string {
    if (value === null || typeof value === 'boolean' || Number.isInteger(value)) return `${value}`
    const known = this.#constants.indexOf(value)
    return `c[${known >= 0 ? known : this.#constants.push(value) - 1}]`
  }

  /** An expression that makes the field's default anew. */
  protected defaultOf(field: Field): string {
    if (field.default !== undefined) return this.constant(field.default)
    if (field.type.kind === 'array') return '[]'
    const fields = field.type.kind === 'struct' ? field.type.fields : {}
    const parts = Object.entries(fields).map(([name, one]) => `${name}: ${this.defaultOf(one)}`)
    return `{ ${parts.join(', ')} }`
  }

  protected isNullable(field: Field): boolean {
    return includes(field.nullable, this.context.version)
  }
}
