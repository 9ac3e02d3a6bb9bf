// Media types: what a body is (Content-Type) and what the caller would like (Accept), parsed far enough
// to choose: type and subtype, lower case; parameters other than q are ignored.

/** `type/subtype` in lower case, without parameters; '' when there is none. */
export function mediaTypeOf(contentType: string | undefined | null): string {
  if (!contentType) return ''
  const semicolon = contentType.indexOf(';')
  const type = semicolon < 0 ? contentType : contentType.slice(0, semicolon)
  return type.trim().toLowerCase()
}

/**
 * The one of `offered` that `accept` likes best; the earlier one among equals, and the first one for a
 * missing header. undefined: none will do (406).
 */
export function negotiate<T extends string>(
  accept: string | undefined | null,
  offered: readonly T[],
): T | undefined {
  if (!accept || accept === '*/*') return offered[0]
  const ranges = accept.split(',').map(parseRange)
  let best: T | undefined
  let bestQuality = 0
  for (const type of offered) {
    const quality = qualityOf(type, ranges)
    if (quality > bestQuality) {
      best = type
      bestQuality = quality
    }
  }
  return best
}

/** Quality by lower-case name of a list like `gzip;q=0.5, zstd` (Accept-Encoding). */
export function qualitiesOf(header: string): ReadonlyMap<string, number> {
  return new Map(
    header
      .split(',')
      .map(parseRange)
      .map(({ type, quality }) => [type, quality]),
  )
}

interface MediaRange {
  readonly type: string
  readonly quality: number
}

function parseRange(text: string): MediaRange {
  const match = /;\s*q\s*=\s*([0-9.]+)/i.exec(text)
  return { type: mediaTypeOf(text), quality: match ? Number(match[1]) || 0 : 1 }
}

/** The most specific range that matches decides: `text/plain;q=0, text/*` refuses text/plain. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  const anySubtype = `${type.slice(0, type.indexOf('/'))}/*`
  for (const pattern of [type, anySubtype, '*/*']) {
    const range = ranges.find((candidate) => candidate.type === pattern)
    if (range) return range.quality
  }
  return 0
}
