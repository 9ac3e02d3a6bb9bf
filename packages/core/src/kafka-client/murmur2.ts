// MurmurHash2 as Kafka's Java client computes it over record keys: the same key goes to the same partition
// whoever produces it.

const seed = 0x9747b28c
const multiplier = 0x5bd1e995
const shift = 24

/** The hash as a signed 32-bit number, as Java has it. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  const words = length & ~3
  let hash = seed ^ length
  let at = 0
  for (; at < words; at += 4) {
    let word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    word = Math.imul(word, multiplier)
    word ^= word >>> shift
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier)
  }
  const rest = length - words
  if (rest > 2) hash ^= bytes[at + 2] << 16
  if (rest > 1) hash ^= bytes[at + 1] << 8
  if (rest > 0) hash = Math.imul(hash ^ bytes[at], multiplier)
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return hash ^ (hash >>> 15)
}
