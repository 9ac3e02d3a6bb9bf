// A scan over JSON text, for the two things that JSON.parse does not tell: how deep it nests (asked before
// parsing: a megabyte of '[' would otherwise cost a hundred of memory), and the exact text of a value
// (kept byte for byte in the log: parsing and printing again would turn 1.0 into 1 and round 2^60).

const quote = 0x22
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const comma = 0x2c

/** Whether arrays and objects nest deeper than `depthMax`. The text need not be valid JSON. */
export function nestsDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = stringEnd(text, at) - 1
    } else if (code === openBracket || code === openBrace) {
      depth += 1
      if (depth > depthMax) return true
    } else if (code === closeBracket || code === closeBrace) {
      depth -= 1
    }
  }
  return false
}

/** The text from `start` to `end`, exclusive. */
export interface Slice {
  readonly start: number
  readonly end: number
}

/** The member `name` of the object that begins at `at` (valid JSON); the last one, as JSON.parse has it. */
export function memberSlice(text: string, at: number, name: string): Slice | undefined {
  let found: Slice | undefined
  let next = skipSpace(text, skipSpace(text, at) + 1)
  while (text.charCodeAt(next) === quote) {
    const keyEnd = stringEnd(text, next)
    const key = stringAt(text, next, keyEnd)
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = valueEnd(text, start)
    if (key === name) found = { start, end }
    next = afterComma(text, end)
  }
  return found
}

/** The elements of the array that begins at `at` (valid JSON). */
export function elementSlices(text: string, at: number): Slice[] {
  const slices: Slice[] = []
  let next = skipSpace(text, skipSpace(text, at) + 1)
  while (next < text.length && text.charCodeAt(next) !== closeBracket) {
    const end = valueEnd(text, next)
    slices.push({ start: next, end })
    next = afterComma(text, end)
  }
  return slices
}

/** The index behind the string whose opening quote is at `at`; the text's end when it never closes. */
function stringEnd(text: string, at: number): number {
  let close = text.indexOf('"', at + 1)
  while (close >= 0 && isEscaped(text, close)) close = text.indexOf('"', close + 1)
  return close < 0 ? text.length : close + 1
}

/** What the string from `start` to `end` says; hardly any name has an escape in it. */
function stringAt(text: string, start: number, end: number): unknown {
  const inner = text.slice(start + 1, end - 1)
  return inner.includes('\\') ? JSON.parse(text.slice(start, end)) : inner
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes += 1
  return backslashes % 2 === 1
}

function skipSpace(text: string, at: number): number {
  let next = at
  while (next < text.length && isSpace(text.charCodeAt(next))) next += 1
  return next
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

function afterComma(text: string, at: number): number {
  const next = skipSpace(text, at)
  return text.charCodeAt(next) === comma ? skipSpace(text, next + 1) : next
}

/** The index behind the value that begins at `at`. */
function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === quote) return stringEnd(text, at)
  if (first !== openBrace && first !== openBracket) return scalarEnd(text, at)
  let depth = 0
  for (let next = at; next < text.length; next += 1) {
    const code = text.charCodeAt(next)
    if (code === quote) next = stringEnd(text, next) - 1
    else if (code === openBrace || code === openBracket) depth += 1
    else if (code === closeBrace || code === closeBracket) {
      depth -= 1
      if (depth === 0) return next + 1
    }
  }
  return text.length
}

function scalarEnd(text: string, at: number): number {
  let next = at
  while (next < text.length) {
    const code = text.charCodeAt(next)
    if (code === comma || code === closeBrace || code === closeBracket || isSpace(code)) break
    next += 1
  }
  return next
}
