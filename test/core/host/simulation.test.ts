// The simulated world's own promises: one seed is one run, a dead process is silent, and whoever keeps
// a view sees garbage, and whoever reuses a buffer too early fails.

import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { SimulatedNetwork } from '@sluice/core/host/memory/simulated-network'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import type { Connection, ConnectionHandler } from '@sluice/core/host/network'
import type { WriteResult } from '@sluice/core/host/table'
import { describe, expect, test } from 'vitest'

function newWorld(seed: number) {
  const random = new SeededRandom(seed)
  const clock = new SimulatedClock({ random: random.fork('clock') })
  const network = new SimulatedNetwork({ random: random.fork('network') })
  return { random, clock, network }
}

class End implements ConnectionHandler {
  readonly connection: Connection
  readonly views: Buffer[] = []
  text = ''
  closedBy: string | undefined

  constructor(connection: Connection) {
    this.connection = connection
  }

  onData(view: Buffer): void {
    this.views.push(view)
    this.text += view.toString('latin1')
  }

  onClose(error?: Error): void {
    this.closedBy = error?.message ?? 'end'
  }
}

async function pair(world: ReturnType<typeof newWorld>) {
  const serverClock = world.clock.process()
  const clientClock = world.clock.process()
  const server = world.network.host('server', serverClock)
  const client = world.network.host('client', clientClock)
  let far: End | undefined
  let near: End | undefined
  const keep = (connection: Connection) => {
    far = new End(connection)
    return far
  }
  await server.listen({ host: 'server', port: 9092 }, keep)
  void client.connect({ host: 'server', port: 9092 }, (connection) => {
    near = new End(connection)
    return near
  })
  await world.clock.runUntil(() => near !== undefined, 1_000)
  return { near: near as End, far: far as unknown as End, serverClock, clientClock, client }
}

describe('simulated clock', () => {
  test('one seed gives one order of simultaneous timers, another seed another', async () => {
    const orderOf = async (seed: number) => {
      const { clock } = newWorld(seed)
      const order: number[] = []
      for (let i = 0; i < 20; i++) clock.setTimer(5, () => order.push(i))
      await clock.runFor(10)
      return `${order.join()} ${clock.traceHash}`
    }
    expect(await orderOf(1)).toBe(await orderOf(1))
    expect(await orderOf(1)).not.toBe(await orderOf(2))
  })

  test('promise chains settle before the next event, however long they are', async () => {
    const { clock } = newWorld(1)
    const trace: string[] = []
    clock.setTimer(1, async () => {
      for (let i = 0; i < 1_000; i++) await undefined
      trace.push('chain')
    })
    clock.setTimer(1.001, () => trace.push('next'))
    await clock.runFor(5)
    expect(trace).toEqual(['chain', 'next'])
  })

  test('a stopped process is silent; a paused one catches up', async () => {
    const { clock } = newWorld(1)
    const killed = clock.process()
    const paused = clock.process()
    const trace: string[] = []
    killed.setTimer(10, () => trace.push('killed'))
    paused.setTimer(10, () => trace.push(`paused ${paused.monotonic()}`))
    const cancelled = paused.setTimer(11, () => trace.push('cancelled'))
    paused.pause()
    killed.stop()
    killed.defer(() => trace.push('killed'))
    await clock.runFor(50)
    expect(trace).toEqual([])
    cancelled.cancel()
    paused.resume()
    await clock.runFor(1)
    expect(trace).toEqual(['paused 50'])
  })
})

describe('simulated network', () => {
  test('a view that is kept is garbage', async () => {
    const world = newWorld(1)
    const { near, far } = await pair(world)
    near.connection.write([Buffer.from('hello')])
    await world.clock.runFor(100)
    expect(far.text).toBe('hello')
    expect(far.views[0].toString('latin1')).not.toContain('hello')
  })

  test('a buffer that is reused before its release fails the run', async () => {
    const world = newWorld(1)
    const { near } = await pair(world)
    const buffer = Buffer.from('hello')
    near.connection.write([buffer])
    buffer.write('HELLO')
    await expect(world.clock.runFor(100)).rejects.toThrow('stays as it was written')
  })

  test('one buffer may be on its way over several connections', async () => {
    const world = newWorld(1)
    const [one, other] = [await pair(world), await pair(world)]
    const buffer = Buffer.from('hello')
    let released = 0
    for (const { near } of [one, other]) near.connection.write([buffer], () => released++)
    await world.clock.runFor(100)
    expect([one.far.text, other.far.text, released]).toEqual(['hello', 'hello', 2])
  })

  test('bytes come in random pieces', async () => {
    const world = newWorld(1)
    const { near, far } = await pair(world)
    world.network.faults.splitChance = 1
    for (let i = 0; i < 30; i++) near.connection.write([Buffer.alloc(100, i)])
    await world.clock.runFor(1_000)
    expect(far.text).toHaveLength(3_000)
    expect(far.views.length).toBeGreaterThan(2)
  })

  test('a killed process says nothing more; its peer sees a reset soon, at a power loss late', async () => {
    for (const kind of ['kill', 'power'] as const) {
      const world = newWorld(1)
      const { near, far, serverClock, client } = await pair(world)
      serverClock.stop()
      world.network.crash('server', kind)
      near.connection.write([Buffer.from('anyone?')])
      await world.clock.runFor(100)
      expect(near.closedBy).toBe(kind === 'kill' ? 'reset: by server' : undefined)
      await world.clock.runFor(30_000)
      expect(near.closedBy).toBe('reset: by server')
      expect([far.text, far.closedBy]).toEqual(['', undefined])
      const refused = client.connect({ host: 'server', port: 9092 }, () => near)
      const error = refused.catch((thrown: Error) => thrown.message)
      await world.clock.runFor(1_000)
      expect(await error).toBe('refused: server:9092')
    }
  })

  test('a cut holds one direction until it is healed; connecting through it times out', async () => {
    const world = newWorld(1)
    const { near, far, client } = await pair(world)
    world.network.cut('client', 'server')
    near.connection.write([Buffer.from('there')])
    far.connection.write([Buffer.from('back')])
    const connecting = client.connect({ host: 'server', port: 9092 }, () => near, {
      timeoutMs: 500,
    })
    const error = connecting.catch((thrown: Error) => thrown.message)
    await world.clock.runFor(1_000)
    expect([far.text, near.text]).toEqual(['', 'back'])
    expect(await error).toBe('timeout: server:9092')
    world.network.heal()
    await world.clock.runFor(100)
    expect(far.text).toBe('there')
  })

  test('a reset reaches both ends', async () => {
    const world = newWorld(1)
    const { near, far } = await pair(world)
    expect(world.network.resetOne()).toBe(true)
    await world.clock.runFor(100)
    expect([near.closedBy, far.closedBy]).toEqual(['reset: by server', 'reset: by client'])
    expect(world.network.resetOne()).toBe(false)
  })
})

describe('simulated table', () => {
  test('a lost answer was done; a throttled call was not; both are retryable', async () => {
    const { random, clock } = newWorld(1)
    const store = new MemoryTableStore(clock)
    const faults = { latencyMs: { min: 1, max: 5 }, throttleChance: 0, lostAnswerChance: 1 }
    const table = new MemoryTable(store, { clock: clock.process(), random, faults })
    const put = (sort: string) => {
      const item = { partition: 'p', sort, value: {} }
      const written: Promise<WriteResult | string> = table.write({ kind: 'put', item })
      return written.catch((error: Error & { retryable: boolean }) => {
        expect(error.retryable).toBe(true)
        return error.message
      })
    }
    const lost = put('lost')
    await clock.runFor(5_000)
    expect(await lost).toBe('timed out')
    expect(store.get({ partition: 'p', sort: 'lost' })).toBeDefined()
    faults.lostAnswerChance = 0
    faults.throttleChance = 1
    const throttled = put('throttled')
    await clock.runFor(5_000)
    expect(await throttled).toBe('throttled')
    expect(store.get({ partition: 'p', sort: 'throttled' })).toBeUndefined()
  })
})
