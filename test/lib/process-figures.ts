// Of one process, from /proc: processor seconds used and resident memory. Not a benchmark; others import it.

import { readFileSync } from 'node:fs'

/** Clock ticks a second, fixed at 100 on Linux for what /proc shows. */
const ticksPerSecond = 100

/** User and system time of the process in seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Resident memory in MB (10^6): now, and the highest so far. */
export function residentMegabytes(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string) =>
    (Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6
  return { now: of('VmRSS'), peak: of('VmHWM') }
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function range(values: number[]): string {
  return `${Math.min(...values).toPrecision(3)}-${Math.max(...values).toPrecision(3)}`
}
