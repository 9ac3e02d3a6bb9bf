// What the cleaner keeps and for how long, by Kafka's rules (KIP-534 for tombstones and markers).

import { MemoryDisk } from '@sluice/core/host/memory/disk'
import {
  type AbortedTransaction,
  decodeTransactionIndex,
  encodeTransactionIndex,
} from '@sluice/core/log/transaction-index'
import type { Codec } from '@sluice/protocol/records/batch'
import { describe, expect, test } from 'vitest'
import { batchesIn, clean, compactConfig, keyed, latest, marker, recordsIn } from './compacted.ts'
import { append, fetch, folder, HandClock, openLog, startMs } from './fixture.ts'

const config = compactConfig
const { deleteRetentionMs = 0 } = config

async function newLog(setUp: Parameters<typeof openLog>[0] = {}) {
  const clock = new HandClock()
  const disk = new MemoryDisk()
  const log = await openLog({ clock, disk, config, ...setUp })
  /** Fills the last segment, so that what was appended before can be cleaned. */
  const roll = async () => {
    const before = log.segmentCount
    while (log.segmentCount < before + 2) await append(log, keyed([['filler', 'x'.repeat(300)]]))
  }
  return { clock, disk, log, roll }
}

describe('tombstones', () => {
  test('bug class 22: one stays for delete.retention.ms from its first cleaning on', async () => {
    const { clock, log, roll } = await newLog()
    await append(log, keyed([['a', '1']]))
    await append(log, keyed([['b', '1']]))
    await append(log, keyed([['a', null]], { timestampMs: startMs - 1_000_000 }))
    await roll()
    const tombstone = async () =>
      (await batchesIn(log)).find(({ header }) => header.baseOffset === 2)

    await clean(log, clock)
    expect((await recordsIn(log)).map(({ offset }) => offset)).not.toContain(0)
    const first = await tombstone()
    expect(first?.header.hasDeleteHorizon).toBe(true)
    expect(first?.header.baseTimestamp).toBe(clock.nowMs + deleteRetentionMs)
    expect(first?.records).toEqual([
      { offset: 2, timestamp: startMs - 1_000_000, key: 'a', value: null },
    ])
    expect(first?.header.maxTimestamp).toBe(startMs - 1_000_000)

    clock.advance(deleteRetentionMs - 1)
    await roll()
    await clean(log, clock)
    expect((await tombstone())?.records).toEqual(first?.records)

    clock.advance(1)
    await roll()
    await clean(log, clock)
    expect((await tombstone())?.records ?? []).toEqual([])
    expect(latest(await recordsIn(log)).has('a')).toBe(false)
    expect(latest(await recordsIn(log)).get('b')).toBe('1')
  })

  test('bug class 22: the time of one that the map did not reach has not begun', async () => {
    const { clock, log, roll } = await newLog()
    await append(log, keyed([['a', '1']]))
    for (let i = 0; i < 3; i++) await append(log, keyed([[`b${i}`, '1']]))
    await append(log, keyed([['a', null]]))
    await roll()
    // Three keys: the tombstone is behind them, and the value below it stays.
    await clean(log, clock, { mapBytes: 24 * 4 })
    const batches = await batchesIn(log)
    expect(batches.find(({ header }) => header.baseOffset === 4)?.header.hasDeleteHorizon).toBe(
      false,
    )
    expect((await recordsIn(log)).map(({ offset }) => offset)).toContain(0)
  })

  test('one that is replaced by a value goes at once', async () => {
    const { clock, log, roll } = await newLog()
    await append(log, keyed([['a', null]]))
    await append(log, keyed([['a', '2']]))
    await roll()
    await clean(log, clock)
    expect((await recordsIn(log)).filter(({ key }) => key === 'a')).toMatchObject([{ offset: 1 }])
  })
})

describe('idempotent producers', () => {
  test('bug class 23: the last batch of one stays, if only as an empty one', async () => {
    const { clock, log, disk, roll } = await newLog()
    for (let i = 0; i < 3; i++) {
      const producer = { producerId: 7, producerEpoch: 2, baseSequence: i * 2 }
      await append(
        log,
        keyed(
          [
            ['a', `${i}`],
            ['b', `${i}`],
          ],
          producer,
        ),
      )
    }
    await append(
      log,
      keyed([
        ['a', 'new'],
        ['b', 'new'],
      ]),
    )
    await roll()
    await clean(log, clock)
    const kept = (await batchesIn(log)).filter(({ header }) => header.producerId === 7)
    expect(kept).toMatchObject([
      {
        header: {
          baseOffset: 4,
          lastOffsetDelta: 1,
          recordCount: 0,
          baseSequence: 4,
          codec: 'none',
        },
        records: [],
      },
    ])
    const { producerEpoch, maxTimestamp } = kept[0].header
    expect([producerEpoch, maxTimestamp]).toEqual([2, startMs + 1])
    await log.close()
    // Without a snapshot all there is to know is in the log.
    for (const { name } of await disk.list(folder)) {
      if (/snapshot|dedup/.test(name)) await disk.unlink(`${folder}/${name}`)
    }
    const again = await openLog({ clock, disk, config, cleanShutdown: false })
    const next = (baseSequence: number) =>
      append(again, keyed([['c', '1']], { producerId: 7, producerEpoch: 2, baseSequence }))
    expect(await next(8)).toMatchObject({ ok: false })
    expect(await next(6)).toMatchObject({ ok: true, duplicate: false })
  })

  test('the last five batches are known again after a kill, though they were cleaned away', async () => {
    const { clock, log, disk, roll } = await newLog()
    const shape = (i: number) => ({ producerId: 7, producerEpoch: 0, baseSequence: i })
    for (let i = 0; i < 5; i++) await append(log, keyed([['a', `${i}`]], shape(i)))
    await append(log, keyed([['a', 'new']]))
    await roll()
    await clean(log, clock)
    const { recoveryPoint } = log
    const again = await openLog({ clock, disk, config, recoveryPoint })
    for (let i = 0; i < 5; i++) {
      const outcome = await append(again, keyed([['a', `${i}`]], shape(i)))
      expect(outcome).toMatchObject({ ok: true, duplicate: true, baseOffset: i })
    }
  })
})

describe('transactions', () => {
  const producer = { id: 9, epoch: 1 }
  const inTransaction = (sequence: number) => ({
    transactional: true,
    producerId: producer.id,
    producerEpoch: producer.epoch,
    baseSequence: sequence,
  })
  const controls = async (log: Parameters<typeof batchesIn>[0]) =>
    (await batchesIn(log)).filter(({ header }) => header.control)

  /** As a broker with transactions leaves it. */
  async function abortedLog() {
    const world = await newLog()
    const { log, disk, roll } = world
    await append(log, keyed([['a', 'before']]))
    await append(log, keyed([['a', 'aborted']], inTransaction(0)))
    await append(log, marker('abort', producer))
    // The producer's last batch is another one, in another segment.
    await roll()
    await append(log, keyed([['z', '1']], { ...inTransaction(1), transactional: false }))
    await roll()
    const aborted: AbortedTransaction = {
      producerId: producer.id,
      firstOffset: 1,
      lastOffset: 2,
      lastStableOffset: 1,
    }
    const path = `${folder}/${'0'.repeat(20)}.txnindex`
    await disk.replaceFile(path, encodeTransactionIndex([aborted]))
    return { ...world, path }
  }

  test('what was aborted goes, and never counts as the latest', async () => {
    const { clock, log } = await abortedLog()
    await clean(log, clock)
    const values = (await recordsIn(log)).filter(({ key }) => key === 'a')
    expect(values).toMatchObject([{ offset: 0, value: 'before' }])
  })

  test('bug class 22: a marker stays as long as its data, and delete.retention.ms longer', async () => {
    const { clock, log, roll, disk, path } = await abortedLog()
    await clean(log, clock)
    // Its data was there when it was looked at.
    expect((await controls(log)).map(({ header }) => header.hasDeleteHorizon)).toEqual([false])
    expect(decodeTransactionIndex(await disk.readFile(path))).toHaveLength(1)
    await roll()
    await clean(log, clock)
    expect((await controls(log)).map(({ header }) => header.hasDeleteHorizon)).toEqual([true])
    expect(decodeTransactionIndex(await disk.readFile(path))).toEqual([])
    clock.advance(deleteRetentionMs - 1)
    await roll()
    await clean(log, clock)
    expect((await controls(log)).map(({ records }) => records.length)).toEqual([1])
    clock.advance(1)
    await roll()
    await clean(log, clock)
    expect(await controls(log)).toEqual([])
  })

  test('bug class 23: the marker by which a producer is known stays, and so do its offsets', async () => {
    const { clock, log, roll } = await newLog()
    await append(log, keyed([['a', '1']], inTransaction(0)))
    await append(log, marker('commit', producer))
    await append(log, keyed([['a', '2']]))
    await roll()
    for (let i = 0; i < 4; i++) {
      await clean(log, clock)
      clock.advance(deleteRetentionMs)
      await roll()
    }
    // Its data is the producer's last batch: it stays as an empty one, and the marker with it.
    const own = (await batchesIn(log)).filter(({ header }) => header.producerId === producer.id)
    expect(own.map(({ header }) => [header.baseOffset, header.recordCount])).toEqual([
      [0, 0],
      [1, 1],
    ])
  })

  test('bug class 23: a cleaned part ends where it ended, though its last batch was a marker', async () => {
    const { clock, log } = await newLog()
    await append(log, keyed([['a', '1']]))
    // Of a producer that the log has forgotten: nothing speaks for it but that it is the last.
    await append(log, marker('commit', producer))
    for (let i = 0; log.segmentCount < 2; i++)
      await append(log, marker('commit', { id: 50 + i, epoch: 0 }))
    const { endOffset } = await clean(log, clock)
    clock.advance(deleteRetentionMs)
    for (let i = 0; log.segmentCount < 4; i++) await append(log, keyed([['a', `${i}`.repeat(60)]]))
    await clean(log, clock)
    const [last] = await fetch(log, endOffset - 1)
    expect(last.lastOffset).toBe(endOffset - 1)
  })
})

describe('batches', () => {
  test.each<Codec>(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'in %s are opened, and packed again in it',
    async (codec) => {
      const { clock, log, roll } = await newLog()
      await append(
        log,
        keyed(
          [
            ['a', 'old'],
            ['b', 'kept'],
            ['c', 'old'],
          ],
          { codec },
        ),
      )
      await append(
        log,
        keyed(
          [
            ['a', 'new'],
            ['c', null],
          ],
          { codec },
        ),
      )
      await roll()
      await clean(log, clock)
      const [first, second] = await batchesIn(log)
      expect(first.header).toMatchObject({
        codec,
        baseOffset: 0,
        lastOffsetDelta: 2,
        recordCount: 1,
      })
      expect(first.records).toEqual([
        { offset: 1, timestamp: startMs + 1, key: 'b', value: 'kept' },
      ])
      expect(first.header.maxTimestamp).toBe(startMs + 1)
      expect(second.header).toMatchObject({ codec, hasDeleteHorizon: true, recordCount: 2 })
      expect(second.records.map(({ timestamp }) => timestamp)).toEqual([startMs, startMs + 1])
    },
  )

  test('of records without keys lose them where the log was not compacted before', async () => {
    const { clock, log, roll } = await newLog()
    await append(
      log,
      keyed([
        [null, 'x'],
        ['a', '1'],
      ]),
    )
    await roll()
    await clean(log, clock)
    expect((await recordsIn(log)).slice(0, 1)).toMatchObject([{ offset: 1, key: 'a' }])
  })

  test('keep the time that the broker gave them', async () => {
    const { clock, log, roll } = await newLog()
    const logAppendTime = startMs + 500
    await append(
      log,
      keyed(
        [
          ['a', '1'],
          ['b', null],
        ],
        { logAppendTime },
      ),
    )
    await append(log, keyed([['a', '2']], { logAppendTime }))
    await roll()
    await clean(log, clock)
    const [first] = await batchesIn(log)
    expect(first.header).toMatchObject({ logAppendTime: true, maxTimestamp: logAppendTime })
    expect(first.records).toMatchObject([{ offset: 1, timestamp: logAppendTime }])
  })
})
