// npm run explain                    all APIs and their versions
// npm run explain -- Fetch 12        how request and response lie on the wire at that version
// npm run explain -- Fetch 12 code   and the functions that read and write them
import { type Api, apis } from './apis.ts'
import { readSource, writeSource } from './compile.ts'
import { type Context, contextOf, layout } from './layout.ts'
import { type Field, type Fields, includes, type Message, type Type } from './schema.ts'

const all: readonly Api[] = Object.values<Api>(apis).sort((a, b) => a.key - b.key)

function explainAll(): string {
  const rows = all.map(({ key, name, request }) => {
    const { versions, flexible } = request
    const from = flexible.max < 0 ? 'never flexible' : `flexible from ${flexible.min}`
    return `${String(key).padStart(3)}  ${name.padEnd(28)} ${versions.min}-${versions.max}, ${from}`
  })
  return rows.join('\n')
}

function explain(api: Api, version: number, withCode: boolean): string {
  return [api.request, api.response]
    .map((message) => {
      const parts = [explainMessage(message, version)]
      if (withCode) {
        parts.push(readSource(message, version).code, writeSource(message, version).code)
      }
      return parts.join('\n\n')
    })
    .join('\n\n')
}

function explainMessage(message: Message, version: number): string {
  const context = contextOf(message, version)
  const flexible = context.flexible ? ', flexible' : ''
  return [`${message.name} v${version}${flexible}`, ...explainFields(message.fields, context)].join(
    '\n  ',
  )
}

function explainFields(fields: Fields, context: Context): string[] {
  const { plain, tagged } = layout(fields, context)
  return [
    ...plain.flatMap(([name, field]) => explainField(name, field, context)),
    ...tagged.flatMap(([name, field]) => explainField(`tag ${field.tag}: ${name}`, field, context)),
  ]
}

function explainField(name: string, field: Field, context: Context): string[] {
  const nullable = includes(field.nullable, context.version) ? '?' : ''
  const inner = structIn(field.type)
  const lines = inner === undefined ? [] : explainFields(inner, context)
  return [`${name}: ${typeName(field.type)}${nullable}`, ...lines.map((line) => `  ${line}`)]
}

function typeName(type: Type): string {
  return type.kind === 'array' ? `${typeName(type.of)}[]` : type.kind
}

function structIn(type: Type): Fields | undefined {
  if (type.kind === 'array') return structIn(type.of)
  return type.kind === 'struct' ? type.fields : undefined
}

function run([name, version, mode]: readonly string[]): string {
  if (name === undefined) return explainAll()
  const api = all.find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (api === undefined) return `There is no API ${name}.\n${explainAll()}`
  const { versions } = api.request
  const chosen = version === undefined ? versions.max : Number(version)
  if (!Number.isInteger(chosen) || !includes(versions, chosen)) {
    return `${api.name} has the versions ${versions.min} to ${versions.max}.`
  }
  return explain(api, chosen, mode === 'code')
}

console.log(run(process.argv.slice(2)))
