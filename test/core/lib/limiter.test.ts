import { KeyedQueue } from '@sluice/core/lib/keyed-queue'
import { Limiter } from '@sluice/core/lib/limiter'
import { describe, expect, test } from 'vitest'

describe('limiter', () => {
  test('runs so many jobs at once and no more, in order, failures included', async () => {
    const limiter = new Limiter(3)
    const started: number[] = []
    let running = 0
    let runningMax = 0
    const jobs = Array.from({ length: 20 }, (_, i) =>
      limiter.run(async () => {
        started.push(i)
        running += 1
        runningMax = Math.max(runningMax, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        if (i % 4 === 0) throw new Error(`${i}`)
        return i
      }),
    )
    const results = await Promise.allSettled(jobs)
    expect(runningMax).toBe(3)
    expect(started).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(5)
    expect(await limiter.run(async () => 'free again')).toBe('free again')
  })
})

describe('keyed queue', () => {
  test('jobs of a key run in turn, those of others do not wait, a failure stops nobody', async () => {
    const queue = new KeyedQueue<string>()
    const trace: string[] = []
    const job = (name: string, turns: number) => async () => {
      trace.push(`${name} begins`)
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
      trace.push(`${name} ends`)
      if (name === 'a1') throw new Error(name)
    }
    const results = await Promise.allSettled([
      queue.run('a', job('a1', 3)),
      queue.run('a', job('a2', 1)),
      queue.run('b', job('b1', 1)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(trace).toEqual(['a1 begins', 'b1 begins', 'b1 ends', 'a1 ends', 'a2 begins', 'a2 ends'])
  })
})
