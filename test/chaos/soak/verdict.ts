// What a series of samples says: flat, or growing. Judged over the second half of the run, when caches are full and
// code is compiled: the straight line of least squares through it must not rise by more than the allowance from the
// half's beginning to its end. Of each minute the lowest sample counts, which is what a collection of garbage left.

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
  descriptors: { share: 0.05, least: 5 },
}

export function judge(samples: readonly Sample[]): Judged[] {
  const half = lowestOfMinutes(samples.slice(samples.length >> 1))
  return Object.entries(allowances).map(([name, { share, least }]) => {
    const field = name as Field
    const values = half.map((sample) => sample[field])
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const spanSeconds = (half.at(-1)?.seconds ?? 0) - (half[0]?.seconds ?? 0)
    const rise = slope(half, field) * spanSeconds
    const allowed = Math.max(mean * share, least)
    const flat = rise <= allowed
    const text =
      `${field.padEnd(18)} mean ${mean.toFixed(1)}, rises by ${rise.toFixed(1)} in ` +
      `${Math.round(spanSeconds)} s (allowed ${allowed.toFixed(1)}): ${flat ? 'flat' : 'GROWS'}`
    return { field, text, flat }
  })
}

function lowestOfMinutes(samples: readonly Sample[]): Sample[] {
  const minutes = new Map<number, Sample>()
  for (const sample of samples) {
    const minute = Math.floor(sample.seconds / 60)
    const before = minutes.get(minute) ?? sample
    const lowest = (field: Field) => Math.min(before[field], sample[field])
    minutes.set(minute, {
      ...sample,
      rssMegabytes: lowest('rssMegabytes'),
      heapMegabytes: lowest('heapMegabytes'),
      externalMegabytes: lowest('externalMegabytes'),
      descriptors: lowest('descriptors'),
    })
  }
  return [...minutes.values()]
}

/** In units a second. */
function slope(samples: readonly Sample[], field: Field): number {
  const count = samples.length
  const meanX = samples.reduce((sum, { seconds }) => sum + seconds, 0) / count
  const meanY = samples.reduce((sum, sample) => sum + sample[field], 0) / count
  let above = 0
  let below = 0
  for (const sample of samples) {
    above += (sample.seconds - meanX) * (sample[field] - meanY)
    below += (sample.seconds - meanX) ** 2
  }
  return below === 0 ? 0 : above / below
}

export const header = 'minute  RSS MB  heap MB  external MB  fds  CPU %  loop delay ms'

export function row(sample: Sample): string {
  const column = (value: number, width: number, digits = 1) => value.toFixed(digits).padStart(width)
  return (
    column(sample.seconds / 60, 6) +
    column(sample.rssMegabytes, 8) +
    column(sample.heapMegabytes, 9) +
    column(sample.externalMegabytes, 13) +
    column(sample.descriptors, 5, 0) +
    column(sample.cpuPercent, 7) +
    column(sample.loopDelayMs, 15)
  )
}
