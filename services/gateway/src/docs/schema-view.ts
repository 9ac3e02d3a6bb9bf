// A JSON schema as a type that people read: names with a `?` where they may be left out, references as links.

import { type Html, html, type Piece } from './html.ts'

/** As much of JSON Schema 2020-12 as the description uses. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: { readonly [name: string]: JsonSchema }
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema | false
  readonly prefixItems?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
}

const indentation = '  '

export function schemaView(schema: JsonSchema, indent = ''): Html {
  const { $ref, properties, items, prefixItems } = schema
  if ($ref) return reference($ref)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices)
    return joined(
      choices.map((choice) => schemaView(choice, indent)),
      ' | ',
    )
  if (schema.allOf)
    return joined(
      schema.allOf.map((part) => schemaView(part, indent)),
      ' & ',
    )
  if (schema.enum) return html`${schema.enum.map((value) => JSON.stringify(value)).join(' | ')}`
  if (schema.const !== undefined) return html`${JSON.stringify(schema.const)}`
  if (prefixItems) {
    return html`[${joined(
      prefixItems.map((item) => schemaView(item, indent)),
      ', ',
    )}]`
  }
  if (items) return html`[${schemaView(items, indent)}, …]`
  if (properties && Object.keys(properties).length > 0) return objectView(schema, indent)
  const { additionalProperties: others } = schema
  if (typeof others === 'object') return html`{ [name]: ${schemaView(others, indent)} }`
  return html`<i>${typeText(schema)}</i>`
}

function objectView({ properties = {}, required = [] }: JsonSchema, indent: string): Html {
  const inner = indent + indentation
  const lines = Object.entries(properties).map(([name, property]) => {
    const optional = required.includes(name) ? '' : '?'
    const { description } = property
    const comment: Piece = description ? html` <span class="note">${description}</span>` : undefined
    return html`${inner}${name}${optional}: ${schemaView(property, inner)}${comment}\n`
  })
  return html`{\n${lines}${indent}}`
}

/** One line: type, range, default. */
export function typeText({ type, format, minimum, maximum, default: preset }: JsonSchema): string {
  const name = type === undefined ? 'any JSON' : [type].flat().join(' | ')
  const parts = [format ? `${name} (${format})` : name]
  const bound = (value: number | undefined) =>
    value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? '' : String(value)
  if (bound(minimum) || bound(maximum)) parts.push(`${bound(minimum)}…${bound(maximum)}`)
  if (preset !== undefined && !Array.isArray(preset)) parts.push(`= ${preset}`)
  return parts.join(' ')
}

function reference(ref: string): Html {
  const name = ref.slice(ref.lastIndexOf('/') + 1)
  return html`<a href="#schema-${name}">${name}</a>`
}

function joined(parts: readonly Html[], separator: string): Html {
  return html`${parts.flatMap((part, index) => (index === 0 ? [part] : [separator, part]))}`
}
