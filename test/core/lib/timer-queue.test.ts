import { NodeClock } from '@sluice/core/host/node/clock'
import { TimerQueue } from '@sluice/core/lib/timer-queue'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('TimerQueue', () => {
  test('runs deadlines in order of time, those of one time in order of asking', () => {
    const clock = new NodeClock()
    const queue = new TimerQueue(clock)
    const ran: string[] = []
    queue.after(200, () => ran.push('late'))
    queue.after(100, () => ran.push('early'))
    clock.advance(150)
    expect(ran).toEqual(['early'])
    queue.after(100, () => ran.push('later'))
    clock.advance(300)
    expect(ran).toEqual(['early', 'late', 'later'])
    expect(queue.size).toBe(0)
  })

  test('one that is cancelled never runs and is not kept', () => {
    const clock = new NodeClock()
    const queue = new TimerQueue(clock)
    const never = queue.after(10, () => expect.unreachable('it was cancelled'))
    never.cancel()
    never.cancel()
    expect(queue.size).toBe(0)
    clock.advance(1000)
  })

  test('a deadline may ask for others, and closing ends them all', () => {
    const clock = new NodeClock()
    const queue = new TimerQueue(clock)
    let ticks = 0
    const tick = () => {
      ticks += 1
      queue.after(10, tick)
    }
    queue.after(10, tick)
    for (let i = 0; i < 5; i++) clock.advance(15)
    expect(ticks).toBe(5)
    queue.close()
    clock.advance(1000)
    expect(ticks).toBe(5)
  })

  test('everything runs once, when it is due, whatever is cancelled beside it', () => {
    const plan = fc.array(fc.record({ delayMs: fc.nat(500), cancelled: fc.boolean() }), {
      maxLength: 50,
    })
    fc.assert(
      fc.property(plan, (entries) => {
        const clock = new NodeClock()
        const queue = new TimerQueue(clock)
        const ran: number[] = []
        const deadlines = entries.map(({ delayMs }, i) => queue.after(delayMs, () => ran.push(i)))
        entries.forEach(({ cancelled }, i) => {
          if (cancelled) deadlines[i].cancel()
        })
        const kept = entries.flatMap(({ cancelled }, i) => (cancelled ? [] : [i]))
        clock.advance(1000)
        expect([...ran].sort((a, b) => a - b)).toEqual(kept)
        expect(queue.size).toBe(0)
      }),
      { numRuns: 50 },
    )
  })
})
