// What the simulated disk loses at a crash, and what it may not lose.

import type { Disk, DiskError } from '@sluice/core/host/disk'
import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { FileContent } from '@sluice/core/host/memory/file-content'
import { SeededRandom } from '@sluice/core/host/memory/random'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

class World {
  readonly clock: SimulatedClock
  readonly disk: MemoryDisk

  constructor(seed: number) {
    const random = new SeededRandom(seed)
    this.clock = new SimulatedClock({ random })
    this.disk = new MemoryDisk({ clock: this.clock, random })
  }

  async wait<T>(promise: Promise<T>): Promise<T> {
    let over = false
    const mark = () => {
      over = true
    }
    promise.then(mark, mark)
    expect(await this.clock.runUntil(() => over, 60_000)).toBe(true)
    return promise
  }

  crash(kind: 'process' | 'power'): void {
    this.disk.crash(kind, this.clock)
  }

  async text(path: string): Promise<string | undefined> {
    try {
      return (await this.wait(this.disk.readFile(path))).toString()
    } catch (error) {
      expect((error as DiskError).kind).toBe('not-found')
      return undefined
    }
  }
}

const seeds = Array.from({ length: 60 }, (_, seed) => seed)

async function outcomes(run: (world: World) => Promise<unknown>): Promise<Set<unknown>> {
  const seen = new Set<unknown>()
  for (const seed of seeds) seen.add(await run(new World(seed)))
  return seen
}

describe('a process kill', () => {
  test('keeps all that was written and every entry', async () => {
    const seen = await outcomes(async (world) => {
      world.disk.openSync('log', { create: true }).append([Buffer.from('abc')])
      world.crash('process')
      return world.text('log')
    })
    expect([...seen]).toEqual(['abc'])
  })

  test('makes the open files of the dead process unusable', () => {
    const world = new World(1)
    const file = world.disk.openSync('log', { create: true })
    world.crash('process')
    expect(() => file.append([Buffer.from('x')])).toThrow(/process that is gone/)
    expect(() => file.readSync(Buffer.alloc(1), 0)).toThrow(/process that is gone/)
  })
})

describe('a power loss', () => {
  test('keeps what was flushed, and cuts or tears the rest', async () => {
    const flushed = 'F'.repeat(700)
    const tail = 'T'.repeat(2_000)
    const seen = await outcomes(async (world) => {
      const file = world.disk.openSync('log', { create: true })
      await world.wait(world.disk.flushFolder(''))
      file.append([Buffer.from(flushed)])
      await world.wait(file.flush())
      file.append([Buffer.from(tail)])
      world.crash('power')
      const left = (await world.text('log')) as string
      expect(left.startsWith(flushed)).toBe(true)
      const rest = left.slice(flushed.length)
      expect(rest).toMatch(/^[T\0]*$/)
      if (rest === '') return 'lost'
      if (rest === tail) return 'kept'
      return rest.includes('\0') ? 'torn' : 'cut'
    })
    expect([...seen].sort()).toEqual(['cut', 'kept', 'lost', 'torn'])
  })

  test('what was appended while a flush was under way is not covered by it', async () => {
    const seen = await outcomes(async (world) => {
      const file = world.disk.openSync('log', { create: true })
      await world.wait(world.disk.flushFolder(''))
      file.append([Buffer.from('one')])
      const flushing = file.flush()
      const appending = file.append([Buffer.from('two')])
      await world.wait(Promise.all([flushing, appending]))
      world.crash('power')
      return (await world.text('log'))?.length
    })
    expect(Math.min(...([...seen] as number[]))).toBe(3)
    expect(Math.max(...([...seen] as number[]))).toBe(6)
  })

  test('an entry is durable when its folder was flushed, not before', async () => {
    const create = async (world: World, flushFolder: boolean) => {
      const file = world.disk.openSync('log', { create: true })
      file.append([Buffer.from('x')])
      await world.wait(file.flush())
      if (flushFolder) await world.wait(world.disk.flushFolder(''))
      world.crash('power')
      return world.text('log')
    }
    expect(await outcomes((world) => create(world, true))).toEqual(new Set(['x']))
    expect(await outcomes((world) => create(world, false))).toEqual(new Set(['x', undefined]))
  })

  test('a rename is done or not done; the changes of a folder are lost from the last on', async () => {
    const seen = await outcomes(async (world) => {
      await world.wait(world.disk.replaceFile('old', Buffer.from('old')))
      await world.wait(world.disk.replaceFile('new', Buffer.from('new')))
      await world.wait(world.disk.rename('new', 'old'))
      await world.wait(world.disk.unlink('old'))
      world.crash('power')
      return `${await world.text('old')} ${await world.text('new')}`
    })
    expect([...seen].sort()).toEqual(['new undefined', 'old new', 'undefined undefined'])
  })

  test('a truncation that was not flushed may come undone', async () => {
    const seen = await outcomes(async (world) => {
      const file = world.disk.openSync('log', { create: true })
      file.append([Buffer.from('0123456789')])
      await world.wait(Promise.all([file.flush(), world.disk.flushFolder('')]))
      await world.wait(file.truncate(4))
      file.append([Buffer.from('X')])
      world.crash('power')
      return world.text('log')
    })
    expect(seen).toContain('0123456789')
    expect(seen).toContain('0123X')
  })

  test('replaceFile is atomic and durable', async () => {
    const seen = await outcomes(async (world) => {
      await world.wait(world.disk.replaceFile('checkpoint', Buffer.from('one')))
      const replacing = world.disk.replaceFile('checkpoint', Buffer.from('two'))
      if (world.clock.eventsRun % 2 === 0) await world.wait(replacing)
      world.crash('power')
      return world.text('checkpoint')
    })
    for (const text of seen) expect(['one', 'two']).toContain(text)
  })

  test('the same seed loses the same', async () => {
    const run = async () => {
      const world = new World(7)
      for (let i = 0; i < 20; i++) {
        const file = world.disk.openSync(`f${i}`, { create: true })
        file.append([Buffer.alloc(3_000, i)])
        if (i % 3 === 0) await world.wait(file.flush())
        if (i % 5 === 0) await world.wait(world.disk.flushFolder(''))
      }
      world.crash('power')
      const left: string[] = []
      for (const { name, sizeBytes } of await world.wait(world.disk.list(''))) {
        left.push(`${name} ${sizeBytes} ${await world.text(name)}`)
      }
      return left
    }
    expect(await run()).toEqual(await run())
  })
})

describe('faults', () => {
  const kindOf = (run: () => unknown): string | undefined => {
    try {
      run()
      return undefined
    } catch (error) {
      return (error as DiskError).kind
    }
  }

  test('a full disk takes nothing of an append, and room that is freed is used again', async () => {
    const disk: Disk & MemoryDisk = new MemoryDisk({ capacityBytes: 100 })
    const file = disk.openSync('a', { create: true })
    file.append([Buffer.alloc(60)])
    expect(kindOf(() => file.append([Buffer.alloc(30), Buffer.alloc(30)]))).toBe('no-space')
    expect(file.sizeBytes).toBe(60)
    expect(await disk.volume('')).toEqual({ totalBytes: 100, usableBytes: 40 })
    await expect(disk.replaceFile('b', Buffer.alloc(41))).rejects.toThrow('no-space')
    await file.truncate(10)
    file.append([Buffer.alloc(60)])
    await disk.unlink('a')
    expect((await disk.volume('')).usableBytes).toBe(100)
  })

  test('a flush that failed fails for good, and has flushed nothing', async () => {
    const world = new World(3)
    const file = world.disk.openSync('log', { create: true })
    await world.wait(world.disk.flushFolder(''))
    file.append([Buffer.from('x')])
    world.disk.faults.flushErrorChance = 1
    await expect(world.wait(file.flush())).rejects.toThrow('io')
    world.disk.faults.flushErrorChance = 0
    await expect(world.wait(file.flush())).rejects.toThrow('io')
  })

  test('an append behind a failed one fails with it', async () => {
    const world = new World(4)
    world.disk.capacityBytes = 10
    const file = world.disk.openSync('log', { create: true })
    file.append([Buffer.from('12345')])
    const flushing = file.flush()
    const results = Promise.allSettled([
      file.append([Buffer.alloc(6)]),
      file.append([Buffer.from('x')]),
    ])
    const settled = await world.wait(results)
    await world.wait(flushing)
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(file.append([Buffer.from('x')])).toBeUndefined()
    expect(file.sizeBytes).toBe(6)
  })

  test('a flipped bit is read as flipped', async () => {
    const world = new World(5)
    world.disk.openSync('log', { create: true }).append([Buffer.from('abc')])
    world.disk.flipBit('log', 1, 0)
    expect(await world.text('log')).toBe('acc')
  })
})

describe('file content', () => {
  test('equals a plain buffer, and a snapshot stays as it was taken', () => {
    const step = fc.record({
      kind: fc.constantFrom('append', 'write', 'truncate', 'snapshot'),
      length: fc.oneof(fc.nat(300), fc.nat(600_000)),
      at: fc.nat(),
      byte: fc.nat(255),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const content = new FileContent()
        let model = Buffer.alloc(0)
        const snapshots: { content: FileContent; expected: Buffer }[] = []
        for (const { kind, length, at, byte } of steps) {
          const bytes = Buffer.alloc(length, byte)
          const position = at % (model.length + 1)
          if (kind === 'append') {
            content.append(bytes)
            model = Buffer.concat([model, bytes])
          } else if (kind === 'write') {
            content.write(bytes, position)
            const after = model.subarray(position + length)
            model = Buffer.concat([model.subarray(0, position), bytes, after])
          } else if (kind === 'truncate') {
            content.truncate(position)
            model = Buffer.from(model.subarray(0, position))
          } else {
            snapshots.push({ content: content.snapshot(), expected: model })
          }
        }
        for (const { content: left, expected } of [...snapshots, { content, expected: model }]) {
          const target = Buffer.alloc(expected.length)
          expect(left.sizeBytes).toBe(expected.length)
          expect(left.read(target, 0)).toBe(expected.length)
          expect(target.equals(expected)).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })
})
