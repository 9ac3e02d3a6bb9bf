// UuidTexts: the ids of topics between the wire (16 bytes) and values (base64url). The same few come in every
// request and go in every answer, and to convert one takes longer than to read the rest of a small request:
// those of late are kept, in as many places as there are slots; another id of the same slot takes its place.

const slots = 1024

export class UuidTexts {
  /** Four words an id. */
  readonly #words = new Int32Array(slots * 4)
  readonly #texts: (string | undefined)[] = new Array(slots).fill(undefined)
  /** By text, the slot in which it stands. */
  readonly #slotOf = new Map<string, number>()

  /** The text of the 16 bytes at `at`, which must be there. */
  read(buffer: Buffer, at: number): string {
    const a = word(buffer, at)
    const b = word(buffer, at + 4)
    const c = word(buffer, at + 8)
    const d = word(buffer, at + 12)
    const slot = slotFor(a, b, c, d)
    const known = this.#texts[slot]
    const words = this.#words
    const first = slot * 4
    if (
      known !== undefined &&
      words[first] === a &&
      words[first + 1] === b &&
      words[first + 2] === c &&
      words[first + 3] === d
    ) {
      return known
    }
    const text = buffer.toString('base64url', at, at + 16)
    this.#keep(slot, text, a, b, c, d)
    return text
  }

  /** Writes the id that `text` names to `at`; false where it names none. Room for 16 bytes must be there. */
  write(text: string, buffer: Buffer, at: number): boolean {
    const slot = this.#slotOf.get(text)
    if (slot === undefined) {
      if (buffer.write(text, at, 16, 'base64url') !== 16) return false
      this.read(buffer, at)
      return true
    }
    const first = slot * 4
    for (let i = 0; i < 4; i++) putWord(buffer, at + 4 * i, this.#words[first + i])
    return true
  }

  #keep(slot: number, text: string, a: number, b: number, c: number, d: number): void {
    const before = this.#texts[slot]
    if (before !== undefined) this.#slotOf.delete(before)
    this.#texts[slot] = text
    this.#slotOf.set(text, slot)
    this.#words.set([a, b, c, d], slot * 4)
  }
}

function slotFor(a: number, b: number, c: number, d: number): number {
  const mixed = a ^ b ^ c ^ d
  return (mixed ^ (mixed >>> 16)) & (slots - 1)
}

function word(buffer: Buffer, at: number): number {
  return (buffer[at] << 24) | (buffer[at + 1] << 16) | (buffer[at + 2] << 8) | buffer[at + 3]
}

function putWord(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
}

/** One for the process: topic ids are the same everywhere in it. */
export const uuidTexts = new UuidTexts()
