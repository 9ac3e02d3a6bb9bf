// Where JSON text goes wrong. JSON.parse often does not say; this walks the text a second time, only when
// the first has failed, and stops at the first character that no JSON could have there.

export interface JsonError {
  /** Index of the offending character; the length of the text when it ends too early. */
  readonly position: number
  readonly expected: string
}

const space = /[ \t\r\n]*/y
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/** `text` was refused by JSON.parse and nests no deeper than the stack allows. */
export function findJsonError(text: string): JsonError {
  const walk = new Walk(text)
  const error = walk.value() ?? walk.end()
  return error ?? { position: text.length, expected: 'valid JSON' }
}

class Walk {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): JsonError | undefined {
    this.#take(space)
    if (this.#text[this.#at] === '{') return this.#object()
    if (this.#text[this.#at] === '[') return this.#array()
    if (this.#text[this.#at] === '"') return this.#string()
    return this.#take(scalar) ? undefined : this.#expected('a value')
  }

  end(): JsonError | undefined {
    this.#take(space)
    return this.#at < this.#text.length ? this.#expected('the end of the text') : undefined
  }

  #object(): JsonError | undefined {
    this.#at += 1
    if (this.#punctuation('}')) return undefined
    for (;;) {
      this.#take(space)
      if (this.#text[this.#at] !== '"') return this.#expected('a property name in double quotes')
      const keyError = this.#string()
      if (keyError) return keyError
      if (!this.#punctuation(':')) return this.#expected("':'")
      const valueError = this.value()
      if (valueError) return valueError
      if (this.#punctuation('}')) return undefined
      if (!this.#punctuation(',')) return this.#expected("',' or '}'")
    }
  }

  #array(): JsonError | undefined {
    this.#at += 1
    if (this.#punctuation(']')) return undefined
    for (;;) {
      const error = this.value()
      if (error) return error
      if (this.#punctuation(']')) return undefined
      if (!this.#punctuation(',')) return this.#expected("',' or ']'")
    }
  }

  #string(): JsonError | undefined {
    this.#at += 1
    for (;;) {
      const character = this.#text[this.#at]
      if (character === '"') {
        this.#at += 1
        return undefined
      }
      if (character === '\\') {
        if (!this.#take(escapeSequence)) return this.#expected('an escape such as \\n or \\u0041')
      } else if (character === undefined || character < ' ') {
        return this.#expected('the rest of a string')
      } else this.#at += 1
    }
  }

  #punctuation(mark: string): boolean {
    this.#take(space)
    if (this.#text[this.#at] !== mark) return false
    this.#at += 1
    return true
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (!found) return false
    this.#at += found[0].length
    return true
  }

  #expected(expected: string): JsonError {
    return { position: this.#at, expected }
  }
}
