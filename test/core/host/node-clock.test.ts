import { NodeClock } from '@sluice/core/host/node/clock'
import { describe, expect, test } from 'vitest'

describe('node clock', () => {
  test('advance moves both clocks and runs what falls due, in order, before it returns', () => {
    const clock = new NodeClock()
    const trace: string[] = []
    clock.setTimer(60_000, () => trace.push('a minute'))
    clock.setTimer(1_000, () => {
      trace.push('a second')
      clock.setTimer(1_000, () => trace.push('another second'))
    })
    const before = { wall: clock.now(), monotonic: clock.monotonic() }
    clock.advance(60_000)
    expect(trace).toEqual(['a second', 'a minute'])
    expect(clock.now() - before.wall).toBeGreaterThanOrEqual(60_000)
    expect(clock.monotonic() - before.monotonic).toBeGreaterThanOrEqual(60_000)
    expect(clock.now() - before.wall).toBeLessThan(61_000)
    clock.advance(1_000)
    expect(trace).toEqual(['a second', 'a minute', 'another second'])
  })

  test('a timer that throws does not keep the others from running', () => {
    const clock = new NodeClock()
    const trace: string[] = []
    clock.setTimer(1, () => {
      throw new Error('broken')
    })
    clock.setTimer(2, () => trace.push('next'))
    expect(() => clock.advance(10)).toThrow('broken')
    clock.advance(0)
    expect(trace).toEqual(['next'])
  })

  test('a timer longer than Node takes does not run at once', async () => {
    const clock = new NodeClock()
    let ran = false
    clock.setTimer(2 ** 33, () => {
      ran = true
    })
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(ran).toBe(false)
    clock.advance(2 ** 33)
    expect(ran).toBe(true)
  })

  test('ten thousand timers are set and cancelled', async () => {
    const clock = new NodeClock()
    let ran = 0
    const timers = Array.from({ length: 10_000 }, (_, i) =>
      clock.setTimer((i * 7919) % 20, () => {
        ran += 1
      }),
    )
    for (const [i, timer] of timers.entries()) if (i % 10 !== 0) timer.cancel()
    await expect.poll(() => ran).toBe(1_000)
  })
})
