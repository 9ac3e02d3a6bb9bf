// Seeded random numbers (xoshiro128**): the same seed gives the same draws on every machine.
// For the simulator and for tests; production draws from host/node/random.ts.

import { assert } from '../../lib/assert.ts'
import { uuidFrom } from '../../lib/uuid.ts'
import type { Random } from '../random.ts'

export class SeededRandom implements Random {
  readonly #state: Uint32Array

  constructor(seed: number | string) {
    this.#state = expandSeed(String(seed))
  }

  /** Another generator, whose draws do not shift when this one is used more or less. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#state.join(',')}/${label}`)
  }

  number(): number {
    return this.#next() / 2 ** 32
  }

  integer(limit: number): number {
    assert(Number.isInteger(limit), 'limit is a whole number')
    assert(limit >= 1 && limit <= 2 ** 32, 'limit is in 1..2^32')
    return Math.floor(this.number() * limit)
  }

  bytes(length: number): Buffer {
    const drawn = Buffer.allocUnsafeSlow(length)
    for (let at = 0; at < length; at += 4) {
      let word = this.#next()
      for (let i = at; i < at + 4 && i < length; i++) {
        drawn[i] = word & 0xff
        word >>>= 8
      }
    }
    return drawn
  }

  uuid(): string {
    return uuidFrom((length) => this.bytes(length))
  }

  /** True in `chance` of the draws (0..1). */
  chance(chance: number): boolean {
    return this.number() < chance
  }

  /** A fractional number in [min, max). */
  between(min: number, max: number): number {
    return min + this.number() * (max - min)
  }

  pick<T>(choices: readonly T[]): T {
    assert(choices.length > 0, 'there is something to pick from')
    return choices[this.integer(choices.length)]
  }

  #next(): number {
    const state = this.#state
    const result = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0
    const shifted = state[1] << 9
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = rotateLeft(state[3], 11)
    return result
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

/** Four words that are never all zero, spread over all bits of the seed's text (FNV-1a, murmur's mixer). */
function expandSeed(seed: string): Uint32Array {
  let hash = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193)
  const state = new Uint32Array(4)
  for (let i = 0; i < 4; i++) {
    hash = (hash + 0x9e3779b9) >>> 0
    let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    state[i] = mixed ^ (mixed >>> 16)
  }
  state[0] |= 1
  return state
}
