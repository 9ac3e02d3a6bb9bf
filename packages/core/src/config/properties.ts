// Properties: reads Java's .properties syntax as java.util.Properties does, keeping line numbers.
//
//   # comment, ! comment        name = value    name: value    name value
//   a line that ends in an odd number of backslashes goes on, less its indent, on the next one
//   \t \n \r \f \uXXXX and \<any other character> are escapes, in names as in values

import type { ConfigEntry, ConfigError } from './config-entry.ts'

export type ParsedProperties =
  | { ok: true; entries: ConfigEntry[] }
  | { ok: false; errors: ConfigError[] }

/** `file` is only for messages. A name given twice counts as given last, as in Java. */
export function parseProperties(text: string, file: string): ParsedProperties {
  const entries: ConfigEntry[] = []
  const errors: ConfigError[] = []
  for (const { line, content } of logicalLines(text)) {
    const origin = `${file}:${line}`
    const { rawName, rawValue } = splitLine(content)
    const name = unescaped(rawName)
    const value = unescaped(rawValue)
    if (name === undefined || value === undefined) {
      errors.push({ name: rawName, origin, message: 'malformed \\uXXXX escape' })
      continue
    }
    entries.push({ name, value, origin })
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, entries }
}

function* logicalLines(text: string): Generator<{ line: number; content: string }> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  for (let index = 0; index < lines.length; index++) {
    let content = lines[index].replace(/^[ \t\f]+/, '')
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue
    const line = index + 1
    while (endsInOddBackslashes(content)) {
      index++
      content = content.slice(0, -1) + (lines[index] ?? '').replace(/^[ \t\f]+/, '')
    }
    yield { line, content }
  }
}

function endsInOddBackslashes(content: string): boolean {
  const trailing = /\\+$/.exec(content)
  return trailing !== null && trailing[0].length % 2 === 1
}

/** The name ends at the first unescaped =, : or blank; one = or : with blanks around it is eaten. */
function splitLine(content: string): { rawName: string; rawValue: string } {
  let end = 0
  while (end < content.length && !'=: \t\f'.includes(content[end])) {
    end += content[end] === '\\' ? 2 : 1
  }
  const rest = content.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
  return { rawName: content.slice(0, end), rawValue: rest }
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(raw: string): string | undefined {
  if (!raw.includes('\\')) return raw
  let text = ''
  for (let index = 0; index < raw.length; index++) {
    if (raw[index] !== '\\') {
      text += raw[index]
      continue
    }
    index++
    const escaped = raw[index] ?? ''
    if (escaped !== 'u') {
      text += escapes[escaped] ?? escaped
      continue
    }
    const digits = raw.slice(index + 1, index + 5)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return undefined
    text += String.fromCharCode(Number.parseInt(digits, 16))
    index += 4
  }
  return text
}
