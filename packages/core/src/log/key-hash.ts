// KeyHash: the 128 bits by which the log cleaner knows a key: SipHash-2-4 with 128 bits of output (Aumasson,
// Bernstein). It is keyed at random for each pass, so nobody can make two keys that meet on purpose, and by
// chance two of ten million meet once in 10^24 passes. (Kafka takes MD5, which is slower here by far, for
// each call goes out of JavaScript, and whose collisions can be bought.)
//
// 64-bit words are pairs of 32-bit halves, low one first.

const keyBytes = 16
const compressionRounds = 2
const finalRounds = 4

export class KeyHash {
  /** Of the last key, in four words. */
  readonly words = new Int32Array(4)
  readonly #key: Int32Array

  /** `key`: 16 bytes. */
  constructor(key: Buffer) {
    this.#key = new Int32Array(keyBytes / 4)
    for (let i = 0; i < this.#key.length; i++) this.#key[i] = key.readInt32LE(i * 4)
  }

  /** Hashes `length` bytes from `at` on into `words`. */
  take(bytes: Uint8Array, at: number, length: number): void {
    const key = this.#key
    let v0l = key[0] ^ 0x70736575
    let v0h = key[1] ^ 0x736f6d65
    let v1l = key[2] ^ 0x6e646f6d ^ 0xee
    let v1h = key[3] ^ 0x646f7261
    let v2l = key[0] ^ 0x6e657261
    let v2h = key[1] ^ 0x6c796765
    let v3l = key[2] ^ 0x79746573
    let v3h = key[3] ^ 0x74656462
    const blocks = (length >>> 3) + 1
    const end = at + length
    // The blocks of the key, the last one with its length, and the two halves of the output.
    for (let step = 0; step < blocks + 2; step++) {
      let wordL = 0
      let wordH = 0
      let rounds = compressionRounds
      if (step < blocks) {
        const from = at + step * 8
        if (step < blocks - 1) {
          wordL = wordAt(bytes, from)
          wordH = wordAt(bytes, from + 4)
        } else {
          wordH = length << 24
          for (let i = from; i < end; i++) {
            const shift = (i - from) * 8
            if (shift < 32) wordL |= bytes[i] << shift
            else wordH |= bytes[i] << (shift - 32)
          }
        }
        v3l ^= wordL
        v3h ^= wordH
      } else {
        rounds = finalRounds
        if (step === blocks) v2l ^= 0xee
        else v1l ^= 0xdd
      }
      for (; rounds > 0; rounds--) {
        let sum = (v0l + v1l) | 0
        v0h = (v0h + v1h + carry(sum, v1l)) | 0
        v0l = sum
        sum = (v2l + v3l) | 0
        v2h = (v2h + v3h + carry(sum, v3l)) | 0
        v2l = sum
        let low = (v1l << 13) | (v1h >>> 19)
        v1h = (v1h << 13) | (v1l >>> 19)
        v1l = low ^ v0l
        v1h ^= v0h
        low = (v3l << 16) | (v3h >>> 16)
        v3h = (v3h << 16) | (v3l >>> 16)
        v3l = low ^ v2l
        v3h ^= v2h
        low = v0h
        v0h = v0l
        v0l = low
        sum = (v2l + v1l) | 0
        v2h = (v2h + v1h + carry(sum, v1l)) | 0
        v2l = sum
        sum = (v0l + v3l) | 0
        v0h = (v0h + v3h + carry(sum, v3l)) | 0
        v0l = sum
        low = (v1l << 17) | (v1h >>> 15)
        v1h = (v1h << 17) | (v1l >>> 15)
        v1l = low ^ v2l
        v1h ^= v2h
        low = (v3l << 21) | (v3h >>> 11)
        v3h = (v3h << 21) | (v3l >>> 11)
        v3l = low ^ v0l
        v3h ^= v0h
        low = v2h
        v2h = v2l
        v2l = low
      }
      if (step < blocks) {
        v0l ^= wordL
        v0h ^= wordH
      } else {
        const half = step === blocks ? 0 : 2
        this.words[half] = v0l ^ v1l ^ v2l ^ v3l
        this.words[half + 1] = v0h ^ v1h ^ v2h ^ v3h
      }
    }
  }
}

/** 1 where adding `part` to something came round to `sum`. */
function carry(sum: number, part: number): number {
  return sum >>> 0 < part >>> 0 ? 1 : 0
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
