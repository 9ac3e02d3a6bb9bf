// The verdict of the soak: garbage that comes and goes is flat, however high it piles up; what stays behind grows.

import { describe, expect, it } from 'vitest'
import type { Sample } from './broker.ts'
import { judge } from './verdict.ts'

const minutes = 30
const sampleSeconds = 10
/** As seen: V8 collects all of its garbage every three minutes, and the heap grows by 15 MB in between. */
const collectedEachSeconds = 180

const garbageAt = (seconds: number) =>
  (15 * (seconds % collectedEachSeconds)) / collectedEachSeconds

function run(at: (seconds: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: (minutes * 60) / sampleSeconds }, (_, index) => {
    const seconds = (index + 1) * sampleSeconds
    const garbage = garbageAt(seconds)
    return {
      ...{ seconds, rssMegabytes: 190 + 3 * garbage, heapMegabytes: 33 + garbage },
      ...{ externalMegabytes: 13, nativeMegabytes: 150, descriptors: 200, deletedFiles: 0 },
      ...{ cpuPercent: 8, loopDelayMs: 1 },
      ...at(seconds),
    }
  })
}

const growing = (samples: readonly Sample[]) =>
  judge(samples)
    .filter(({ flat }) => !flat)
    .map(({ field }) => field)

describe('the verdict of a soak', () => {
  it('takes garbage between two collections for flat', () => {
    expect(growing(run(() => ({})))).toEqual([])
  })

  it('takes what fills up in the first half for flat', () => {
    const full = (seconds: number) => ({ descriptors: 100 + Math.min(seconds, 800) / 4 })
    expect(growing(run(full))).toEqual([])
  })

  it('sees memory that stays behind each collection', () => {
    const leak = (seconds: number) => ({
      heapMegabytes: 33 + garbageAt(seconds) + seconds / 180,
      nativeMegabytes: 150 + seconds / 60,
    })
    expect(growing(run(leak))).toEqual(['heapMegabytes', 'nativeMegabytes'])
  })

  it('sees descriptors that rise by one a minute among sockets that come and go', () => {
    const leak = (seconds: number) => ({
      descriptors: 200 + Math.floor(seconds / 60) + (seconds % 70 === 0 ? 0 : 6),
    })
    expect(growing(run(leak))).toEqual(['descriptors'])
  })

  it('sees a single file that is deleted and stays open', () => {
    const leak = (seconds: number) => ({ deletedFiles: seconds > 1_400 ? 1 : 0 })
    expect(growing(run(leak))).toEqual(['deletedFiles'])
    const passing = (seconds: number) => ({ deletedFiles: seconds % 40 === 0 ? 3 : 0 })
    expect(growing(run(passing))).toEqual([])
  })
})
