// What a series of samples says: flat, or growing. Judged over the second half of the run, when caches are full, code
// is compiled and as many segments go as come: the straight line of least squares through it must not rise by more
// than the allowance from the half's beginning to its end. Of each quarter of the half the lowest sample counts:
// V8 collects all of its garbage every three minutes or so under this load, and only what that left tells of a leak.

import type { Sample } from './broker.ts'

type Field = Exclude<keyof Sample, 'seconds' | 'cpuPercent' | 'loopDelayMs'>

interface Judged {
  readonly field: Field
  readonly text: string
  readonly flat: boolean
}

/** Of the mean, and at the least in its own unit: what garbage collection moves to and fro. */
const allowances: Readonly<Record<Field, { share: number; least: number }>> = {
  rssMegabytes: { share: 0.05, least: 6 },
  heapMegabytes: { share: 0.05, least: 3 },
  externalMegabytes: { share: 0.1, least: 3 },
  nativeMegabytes: { share: 0.05, least: 5 },
  descriptors: { share: 0.05, least: 5 },
  deletedFiles: { share: 0, least: 0 },
}
const windowCount = 4

interface Floor {
  /** The middle of the window. */
  readonly seconds: number
  readonly lowest: number
}

export function judge(samples: readonly Sample[]): Judged[] {
  const half = samples.slice(samples.length >> 1)
  const spanSeconds = (half.at(-1)?.seconds ?? 0) - (half[0]?.seconds ?? 0)
  return Object.entries(allowances).map(([name, { share, least }]) => {
    const field = name as Field
    const floors = floorsOf(half, spanSeconds / windowCount, field)
    const mean = floors.reduce((sum, { lowest }) => sum + lowest, 0) / floors.length
    const rise = slope(floors) * spanSeconds
    const allowed = Math.max(mean * share, least)
    const flat = rise <= allowed
    const text =
      `${field.padEnd(18)} mean ${mean.toFixed(1)}, rises by ${rise.toFixed(1)} in ` +
      `${Math.round(spanSeconds)} s (allowed ${allowed.toFixed(1)}): ${flat ? 'flat' : 'GROWS'}`
    return { field, text, flat }
  })
}

function floorsOf(samples: readonly Sample[], windowSeconds: number, field: Field): Floor[] {
  const floors = new Map<number, Floor>()
  const startSeconds = samples[0]?.seconds ?? 0
  for (const sample of samples) {
    const number = Math.floor((sample.seconds - startSeconds) / windowSeconds)
    // The last sample stands at the very end of the last window.
    const window = Math.min(number, windowCount - 1)
    const before = floors.get(window)?.lowest ?? Number.POSITIVE_INFINITY
    const seconds = startSeconds + (window + 0.5) * windowSeconds
    floors.set(window, { seconds, lowest: Math.min(before, sample[field]) })
  }
  return [...floors.values()]
}

/** In units a second. */
function slope(floors: readonly Floor[]): number {
  const count = floors.length
  const meanX = floors.reduce((sum, { seconds }) => sum + seconds, 0) / count
  const meanY = floors.reduce((sum, { lowest }) => sum + lowest, 0) / count
  let above = 0
  let below = 0
  for (const { seconds, lowest } of floors) {
    above += (seconds - meanX) * (lowest - meanY)
    below += (seconds - meanX) ** 2
  }
  return below === 0 ? 0 : above / below
}

export const header =
  'minute  RSS MB  heap MB  external MB  native MB  fds  deleted  CPU %  loop delay ms'

export function row(sample: Sample): string {
  const column = (value: number, width: number, digits = 1) => value.toFixed(digits).padStart(width)
  return (
    column(sample.seconds / 60, 6) +
    column(sample.rssMegabytes, 8) +
    column(sample.heapMegabytes, 9) +
    column(sample.externalMegabytes, 13) +
    column(sample.nativeMegabytes, 11) +
    column(sample.descriptors, 5, 0) +
    column(sample.deletedFiles, 9, 0) +
    column(sample.cpuPercent, 7) +
    column(sample.loopDelayMs, 15)
  )
}
