// What every Clock promises. `setUp` gives a clock and a way to let its time pass.

import type { Clock } from '@sluice/core/host/clock'
import { describe, expect, test } from 'vitest'

export interface ClockUnderTest {
  readonly clock: Clock
  /** Lets at least `ms` of the clock's time pass. */
  pass(ms: number): Promise<void>
}

export function clockContract(name: string, setUp: () => ClockUnderTest): void {
  describe(`clock contract: ${name}`, () => {
    test('now is whole milliseconds, monotonic does not go back', async () => {
      const { clock, pass } = setUp()
      const before = { wall: clock.now(), monotonic: clock.monotonic() }
      expect(Number.isInteger(before.wall)).toBe(true)
      await pass(20)
      expect(clock.now()).toBeGreaterThanOrEqual(before.wall + 19)
      expect(clock.monotonic()).toBeGreaterThanOrEqual(before.monotonic + 19)
    })

    test('a timer runs once, never early', async () => {
      const { clock, pass } = setUp()
      const startMs = clock.monotonic()
      const ranAtMs: number[] = []
      for (const delayMs of [1, 7, 15]) {
        clock.setTimer(delayMs, () => ranAtMs.push(clock.monotonic() - startMs))
      }
      await pass(60)
      expect(ranAtMs).toHaveLength(3)
      expect(ranAtMs[0]).toBeGreaterThanOrEqual(1)
      expect(ranAtMs[1]).toBeGreaterThanOrEqual(7)
      expect(ranAtMs[2]).toBeGreaterThanOrEqual(15)
    })

    test('timers run in the order of their times, whatever the order they were set in', async () => {
      const { clock, pass } = setUp()
      const ran: number[] = []
      for (const delayMs of [30, 5, 20, 10, 25, 15]) {
        clock.setTimer(delayMs, () => ran.push(delayMs))
      }
      await pass(80)
      expect(ran).toEqual([5, 10, 15, 20, 25, 30])
    })

    test('a cancelled timer does not run, and cancelling is harmless afterwards', async () => {
      const { clock, pass } = setUp()
      const ran: string[] = []
      const first = clock.setTimer(5, () => ran.push('first'))
      const second = clock.setTimer(10, () => ran.push('second'))
      first.cancel()
      first.cancel()
      await pass(50)
      second.cancel()
      expect(ran).toEqual(['second'])
    })

    test('a timer can cancel another that is due at the same time', async () => {
      const { clock, pass } = setUp()
      let ran = 0
      const timers = [0, 1].map((index) =>
        clock.setTimer(5, () => {
          ran += 1
          timers[1 - index].cancel()
        }),
      )
      await pass(50)
      expect(ran).toBe(1)
    })

    test('a timer of no delay does not run within the call', async () => {
      const { clock, pass } = setUp()
      let ran = false
      clock.setTimer(0, () => {
        ran = true
      })
      expect(ran).toBe(false)
      await pass(20)
      expect(ran).toBe(true)
    })

    test('a timer that sets a timer of no delay does not keep others from running', async () => {
      const { clock, pass } = setUp()
      let turns = 0
      const again = () => {
        turns += 1
        if (turns < 20) clock.setTimer(0, again)
      }
      clock.setTimer(0, again)
      let other = false
      clock.setTimer(1, () => {
        other = true
      })
      await pass(500)
      expect(turns).toBe(20)
      expect(other).toBe(true)
    })

    test('deferred calls run after the current turn, in order, promises first', async () => {
      const { clock, pass } = setUp()
      const ran: string[] = []
      clock.defer(() => {
        ran.push('deferred 1')
        clock.defer(() => ran.push('deferred 3'))
        Promise.resolve().then(() => ran.push('microtask of 1'))
      })
      clock.defer(() => ran.push('deferred 2'))
      Promise.resolve().then(() => ran.push('microtask'))
      ran.push('turn')
      await pass(10)
      expect(ran).toEqual([
        'turn',
        'microtask',
        'deferred 1',
        'microtask of 1',
        'deferred 2',
        'deferred 3',
      ])
    })
  })
}
