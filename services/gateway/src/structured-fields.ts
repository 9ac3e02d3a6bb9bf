// Structured fields (RFC 9651), as much as our headers need: a dictionary of bare items.
//
//   trace=abc, note="two words", raw=:AQID:, size=42, flag, name=%"gr%c3%bc%c3%9fe"
//
// Kafka's record headers are an ordered list that may repeat a name, so repeated members are kept in order
// where the RFC lets the last one win; and their names are case-sensitive, so any token may be a name.

/** A value is bytes, or null for a member without '='. */
export interface Member {
  readonly name: string
  readonly value: Buffer | null
}

export type DictionaryResult =
  | { readonly ok: true; readonly members: Member[] }
  | { readonly ok: false; readonly at: number; readonly message: string }

const token = /[!#$%&'*+.^_`|~0-9A-Za-z:/-]+/y
const memberName = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const separator = /[ \t]*(,|$)[ \t]*/y

export function parseDictionary(text: string): DictionaryResult {
  const members: Member[] = []
  let at = text.length - text.trimStart().length
  while (at < text.length) {
    const name = match(memberName, text, at)
    if (name === undefined) return { ok: false, at, message: 'a name was expected' }
    at += name.length
    let value: Buffer | null = null
    if (text[at] === '=') {
      const item = parseItem(text, at + 1)
      if (typeof item === 'string') return { ok: false, at: at + 1, message: item }
      value = item.value
      at = item.end
    }
    members.push({ name, value })
    const between = match(separator, text, at)
    if (between === undefined) return { ok: false, at, message: 'a comma was expected' }
    at += between.length
    if (between.includes(',') && at >= text.length) {
      return { ok: false, at, message: 'a name was expected after the comma' }
    }
  }
  return { ok: true, members }
}

/** The dictionary member that parseDictionary() reads back; undefined: the name cannot stand in one. */
export function formatMember({ name, value }: Member): string | undefined {
  if (name === '' || match(memberName, name, 0) !== name) return undefined
  if (value === null) return name
  return `${name}=${formatItem(value)}`
}

/** A string where the bytes are printable ASCII, else a byte sequence. */
export function formatItem(value: Buffer): string {
  if (!isPrintable(value)) return formatBytes(value)
  return `"${value.toString('latin1').replace(/["\\]/g, '\\$&')}"`
}

export function formatBytes(value: Buffer): string {
  return `:${value.toString('base64')}:`
}

/** The text of a string that is all of `text`; undefined when it is something else. */
export function parseQuoted(text: string): string | undefined {
  const whole = text.trim()
  const item = whole.startsWith('"') ? parseString(whole, 0) : undefined
  if (item === undefined || typeof item === 'string' || item.end !== whole.length) return undefined
  return item.value.toString('latin1')
}

/** The bytes of `:base64:`; undefined when the text is something else. */
export function parseBytes(text: string): Buffer | undefined {
  const found = /^:([A-Za-z0-9+/]*={0,2}):$/.exec(text)
  return found ? Buffer.from(found[1], 'base64') : undefined
}

export function isPrintable(value: Buffer): boolean {
  return value.every((byte) => byte >= 0x20 && byte < 0x7f)
}

type Item = { readonly value: Buffer; readonly end: number }

/** A message when there is no item at `at`. */
function parseItem(text: string, at: number): Item | string {
  switch (text[at]) {
    case '"':
      return parseString(text, at)
    case ':':
      return parseByteSequence(text, at)
    case '%':
      if (text[at + 1] === '"') return parseDisplayString(text, at)
  }
  const bare = match(token, text, at)
  if (bare === undefined) return 'a string, a token, a number or :base64: was expected'
  return { value: Buffer.from(bare, 'latin1'), end: at + bare.length }
}

function parseString(text: string, at: number): Item | string {
  const found = match(/"(?:[ !#-[\]-~]|\\["\\])*"/y, text, at)
  if (found === undefined) return 'the string does not end'
  const value = found.slice(1, -1).replace(/\\(.)/g, '$1')
  return { value: Buffer.from(value, 'latin1'), end: at + found.length }
}

function parseByteSequence(text: string, at: number): Item | string {
  const close = text.indexOf(':', at + 1)
  const value = close < 0 ? undefined : parseBytes(text.slice(at, close + 1))
  return value ? { value, end: close + 1 } : 'a byte sequence is :base64:'
}

function parseDisplayString(text: string, at: number): Item | string {
  const found = match(/%"(?:[^"%]|%[0-9a-f]{2})*"/y, text, at)
  if (found === undefined) return 'the display string does not end'
  const bytes = found
    .slice(2, -1)
    .replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return { value: Buffer.from(bytes, 'latin1'), end: at + found.length }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}
