// Timestamps as people write them: RFC 3339 with a zone, or milliseconds since 1970. Nothing else is
// guessed: Date.parse alone would take '3' for the year 2001.

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** Milliseconds since 1970; undefined when it is neither of the two forms. */
export function parseTimestamp(text: string): number | undefined {
  if (/^\d{1,16}$/.test(text)) {
    const value = Number(text)
    return Number.isSafeInteger(value) ? value : undefined
  }
  // A '+' in a query that was not escaped arrives as a space.
  const repaired = text.replace(/ (\d\d:\d\d)$/, '+$1')
  if (!rfc3339.test(repaired)) return undefined
  const value = Date.parse(repaired.replace(' ', 'T').toUpperCase())
  return Number.isNaN(value) ? undefined : value
}
