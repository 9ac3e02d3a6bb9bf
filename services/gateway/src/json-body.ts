// JSON request bodies: bounded in depth before they are parsed, and where they are malformed the answer
// says at which line and column.

import { isUtf8 } from 'node:buffer'
import { findJsonError } from './json-error.ts'
import { nestsDeeperThan } from './json-scan.ts'
import { done, failed, type Outcome, type Problem } from './problem.ts'

export interface JsonBody {
  readonly value: unknown
  /** The body as text: exact values are cut from it. */
  readonly text: string
}

export function parseJsonBody(body: Buffer, depthMax: number): Outcome<JsonBody> {
  if (!isUtf8(body)) return failed({ code: 'malformed_json', detail: 'the body is not UTF-8' })
  const text = body.toString('utf8')
  if (nestsDeeperThan(text, depthMax)) {
    const detail = `arrays and objects nest at most ${depthMax} deep`
    return failed({ code: 'json_too_deep', detail })
  }
  try {
    return done({ value: JSON.parse(text), text })
  } catch {
    return failed(malformed(text))
  }
}

function malformed(text: string): Problem {
  const { position, expected } = findJsonError(text)
  const before = text.slice(0, position)
  const line = before.split('\n').length
  const column = position - before.lastIndexOf('\n')
  const found = position < text.length ? JSON.stringify(text[position]) : 'the end'
  return {
    code: 'malformed_json',
    detail: `expected ${expected} but found ${found} at line ${line}, column ${column}`,
    members: { position, line, column },
  }
}
