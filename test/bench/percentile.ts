// Not a benchmark: the value below which `part` (0 to 1) of the values lie, of values that are sorted.

export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
}
