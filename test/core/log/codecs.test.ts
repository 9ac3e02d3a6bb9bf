// The small files of a log, byte for byte.

import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { readCheckpoint } from '@sluice/core/log/checkpoint-file'
import {
  deletedFolderName,
  isDeletedFolderName,
  parsePartitionFolderName,
  parseSegmentFileName,
  segmentFileName,
} from '@sluice/core/log/file-names'
import { LeaderEpochs } from '@sluice/core/log/leader-epochs'
import { OffsetCheckpoint, type PartitionOffset } from '@sluice/core/log/offset-checkpoint'
import {
  addDedup,
  decodeSnapshot,
  encodeDedup,
  encodeSnapshot,
} from '@sluice/core/log/producer-snapshot'
import { ProducerState } from '@sluice/core/log/producer-state'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('a producer snapshot', () => {
  const state = new ProducerState(4711, 3, 0)
  state.remember(
    { producerId: 4711, producerEpoch: 3, baseSequence: 10, lastOffsetDelta: 4, maxTimestamp: 99 },
    1004,
  )

  test('has Kafka’s form', () => {
    // version, CRC-32C, one entry; the entry's fields one by one.
    const entry = [
      '0000000000001267',
      '0003',
      '0000000e',
      '00000000000003ec',
      '00000004',
      '0000000000000063',
      'ffffffff',
      'ffffffffffffffff',
    ].join('')
    const content = encodeSnapshot([state])
    expect(content.subarray(0, 2).toString('hex')).toBe('0001')
    expect(content.subarray(6).toString('hex')).toBe(`00000001${entry}`)
    expect(encodeSnapshot([]).length).toBe(10)
  })

  test('reads back, and is refused when any bit of it is wrong', () => {
    const content = encodeSnapshot([state])
    expect(decodeSnapshot(content, 0)).toEqual([state])
    for (let bit = 0; bit < content.length * 8; bit++) {
      const damaged = Buffer.from(content)
      damaged[bit >> 3] ^= 1 << (bit & 7)
      expect(decodeSnapshot(damaged, 0)).toBeUndefined()
    }
    for (let length = 0; length < content.length; length++) {
      expect(decodeSnapshot(content.subarray(0, length), 0)).toBeUndefined()
    }
  })

  test('and its .dedup give back the whole window of any producers', () => {
    const batchSizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(fc.array(batchSizes, { maxLength: 8 }), (producers) => {
        const states = producers.map((sizes, id) => stateOf(id, sizes))
        const decoded = decodeSnapshot(encodeSnapshot(states), 0)
        const dedup = encodeDedup(states)
        if (dedup !== undefined) expect(addDedup(dedup, decoded ?? [])).toBe(true)
        expect(decoded).toEqual(states)
      }),
    )
  })

  test('of another moment is not mixed with a .dedup', () => {
    const newer = stateOf(1, [1, 1, 1])
    const older = stateOf(1, [1])
    const states = [older.clone()]
    addDedup(encodeDedup([newer]) ?? Buffer.alloc(0), states)
    expect(states[0].batches).toEqual(older.batches)
  })

  function stateOf(producerId: number, sizes: number[]): ProducerState {
    const made = new ProducerState(producerId, 1, 0)
    let next = 0
    for (const size of sizes) {
      const lastOffsetDelta = size - 1
      const sequenced = { producerId, producerEpoch: 1, baseSequence: next, lastOffsetDelta }
      made.remember({ ...sequenced, maxTimestamp: next }, 100 + next + lastOffsetDelta)
      next += size
    }
    return made
  }
})

describe('a checkpoint', () => {
  const path = '/offsets'

  test('is written once for all who ask meanwhile, and not for nothing', async () => {
    const disk = new MemoryDisk()
    let writes = 0
    const counting = Object.assign(Object.create(disk), {
      readFile: disk.readFile.bind(disk),
      readSmallSync: disk.readSmallSync.bind(disk),
      replaceFile: (to: string, content: Uint8Array) => {
        writes++
        return disk.replaceFile(to, content)
      },
    })
    const current: PartitionOffset[] = [{ topic: 'a', partition: 0, offset: 5 }]
    const checkpoint = new OffsetCheckpoint({ disk: counting, path, current: () => [...current] })
    const first = checkpoint.write()
    current.push({ topic: 'b.c-d_e', partition: 12, offset: 2 ** 40 })
    await Promise.all([first, checkpoint.write(), checkpoint.write()])
    expect(writes).toBe(2)
    expect(String(await disk.readFile(path))).toBe(`0\n2\na 0 5\nb.c-d_e 12 ${2 ** 40}\n`)
    await checkpoint.write()
    expect(writes).toBe(2)
    expect(await checkpoint.read()).toEqual(current)
    expect([checkpoint.mayName('a', 0), checkpoint.mayName('a', 1)]).toEqual([true, false])
  })

  test.each(['', '0', '1\n0\n', '0\n2\na 0 1\n', '0\n1\na 0\n', '0\nx\n', 'rubbish\u0000'])(
    'that reads %j counts as not there',
    async (content) => {
      const disk = new MemoryDisk()
      await disk.replaceFile(path, Buffer.from(content))
      expect(await readCheckpoint(disk, path, 3)).toBeUndefined()
      expect(await new OffsetCheckpoint({ disk, path, current: () => [] }).read()).toEqual([])
    },
  )
})

describe('leader epochs', () => {
  const path = '/leader-epoch-checkpoint'
  async function epochs(...starts: [number, number][]) {
    const made = new LeaderEpochs(new MemoryDisk(), path)
    for (const [epoch, start] of starts) made.assign(epoch, start)
    return made
  }

  test('tell where an epoch ends', async () => {
    const made = await epochs([2, 0], [4, 10], [7, 30])
    expect(made.endOffsetFor(2, 50)).toEqual({ epoch: 2, endOffset: 10 })
    expect(made.endOffsetFor(3, 50)).toEqual({ epoch: 2, endOffset: 10 })
    expect(made.endOffsetFor(6, 50)).toEqual({ epoch: 4, endOffset: 30 })
    expect(made.endOffsetFor(7, 50)).toEqual({ epoch: 7, endOffset: 50 })
    expect(made.endOffsetFor(8, 50)).toEqual({ epoch: -1, endOffset: -1 })
    expect(made.endOffsetFor(-1, 50)).toEqual({ epoch: -1, endOffset: -1 })
    // Before the first epoch known: its records are gone, up to where the first one begins.
    expect(made.endOffsetFor(1, 50)).toEqual({ epoch: 1, endOffset: 0 })
    expect((await epochs()).endOffsetFor(3, 0)).toEqual({ epoch: -1, endOffset: -1 })
  })

  test('are cut at both ends, and an epoch without records leaves no trace', async () => {
    const made = await epochs([1, 0], [2, 10], [3, 10], [5, 20])
    expect(made.starts.map(({ epoch }) => epoch)).toEqual([1, 3, 5])
    made.truncateFromStart(15)
    expect(made.starts).toEqual([
      { epoch: 3, startOffset: 15 },
      { epoch: 5, startOffset: 20 },
    ])
    made.truncateFromEnd(20)
    expect(made.starts).toEqual([{ epoch: 3, startOffset: 15 }])
    made.assign(2, 30)
    expect(made.latest).toBe(3)
  })

  test('are saved as Kafka does, and what makes no sense is not loaded', async () => {
    const disk = new MemoryDisk()
    const made = new LeaderEpochs(disk, path)
    made.assign(3, 0)
    made.assign(5, 4711)
    await made.save()
    expect(String(await disk.readFile(path))).toBe('0\n2\n3 0\n5 4711\n')
    await disk.replaceFile(path, Buffer.from('0\n4\n3 0\n5 10\n4 20\n6 30\n'))
    const loaded = new LeaderEpochs(disk, path)
    await loaded.load()
    expect(loaded.starts.map(({ epoch }) => epoch)).toEqual([3, 5])
  })
})

test('file names', () => {
  expect(segmentFileName(42, 'timeindex')).toBe('00000000000000000042.timeindex')
  expect(parseSegmentFileName('00000000000000000042.log')).toEqual({ kind: 'log', offset: 42 })
  expect(parseSegmentFileName('99999999999999999999.log')).toBeUndefined()
  expect(parseSegmentFileName('42.log')).toBeUndefined()
  expect(parseSegmentFileName('00000000000000000042.log.deleted')).toBeUndefined()
  expect(parsePartitionFolderName('a-b-12')).toEqual({ topic: 'a-b', partition: 12 })
  expect(parsePartitionFolderName('a-b')).toBeUndefined()
  const deleted = deletedFolderName('a'.repeat(249), 3, 'f'.repeat(32))
  expect(deleted).toHaveLength(255)
  expect(isDeletedFolderName(deleted)).toBe(true)
  expect(parsePartitionFolderName(deleted)).toBeUndefined()
})
