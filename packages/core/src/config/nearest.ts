// Nearest: the known name that a mistyped one most likely meant.

/** More edits than this is another word, not a slip of the pen. */
const editsMax = 3

/** The name of `known` closest to `name`, if any is close. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase()
  let best: string | undefined
  let bestEdits = Math.min(editsMax, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const edits = distance(wanted, candidate.toLowerCase(), bestEdits)
    if (edits < bestEdits) {
      best = candidate
      bestEdits = edits
    }
  }
  return best
}

/** A name that was given without its end is one edit away; else letters are counted, up to `limit`. */
function distance(wanted: string, candidate: string, limit: number): number {
  if (wanted !== '' && candidate.startsWith(`${wanted}.`)) return 1
  if (Math.abs(candidate.length - wanted.length) >= limit) return limit
  return editDistance(wanted, candidate)
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1))
    }
    row = next
  }
  return row[b.length]
}
