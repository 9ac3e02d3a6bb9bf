import { NodeClock } from '@sluice/core/host/node/clock'
import { Turn } from '@sluice/core/partition/turn'
import { describe, expect, test } from 'vitest'

const turnsEnd = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('Turn', () => {
  test('runs the stages in order, whatever the order of asking', async () => {
    const turn = new Turn(new NodeClock())
    const ran: string[] = []
    turn.at('respond', () => ran.push('respond'))
    turn.at('append', () => ran.push('append 1'))
    turn.at('complete', () => ran.push('complete'))
    turn.at('append', () => ran.push('append 2'))
    expect(ran).toEqual([])
    await turnsEnd()
    expect(ran).toEqual(['append 1', 'append 2', 'complete', 'respond'])
  })

  test('what a stage asks of a later one runs in the same end, of an earlier one in the next', async () => {
    const turn = new Turn(new NodeClock())
    const ran: string[] = []
    turn.at('complete', () => {
      ran.push('complete')
      turn.at('append', () => ran.push('append, next turn'))
      turn.at('respond', () => ran.push('respond, this turn'))
    })
    await turnsEnd()
    expect(ran).toEqual(['complete', 'respond, this turn'])
    await turnsEnd()
    expect(ran).toEqual(['complete', 'respond, this turn', 'append, next turn'])
  })

  test('a task that throws does not take the others with it', async () => {
    const deferred: (() => void)[] = []
    const clock = new NodeClock()
    clock.defer = (run) => deferred.push(run)
    const turn = new Turn(clock)
    const ran: string[] = []
    turn.at('append', () => {
      throw new Error('a bug')
    })
    turn.at('append', () => ran.push('append'))
    turn.at('respond', () => ran.push('respond'))
    expect(() => deferred.shift()?.()).toThrow('a bug')
    deferred.shift()?.()
    expect(ran).toEqual(['append', 'respond'])
  })
})
