import { MemoryDisk } from '@sluice/core/host/memory/disk'
import type { Log } from '@sluice/core/log/log'
import { ProducerState, sequenceAfter } from '@sluice/core/log/producer-state'
import { errors } from '@sluice/protocol/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { append, batch, folder, HandClock, openLog, request } from './fixture.ts'

const sequenceMax = 2 ** 31 - 1

function from(producerId: number, baseSequence: number, records = 1, producerEpoch = 0) {
  return batch({ producerId, producerEpoch, baseSequence, records })
}

describe('an idempotent producer', () => {
  test('each of its last five batches is known again, with its offsets', async () => {
    const log = await openLog()
    for (let i = 0; i < 6; i++) await append(log, from(1, i * 3, 3))
    for (let i = 1; i < 6; i++) {
      expect(await append(log, from(1, i * 3, 3))).toEqual({
        ok: true,
        duplicate: true,
        baseOffset: i * 3,
        lastOffset: i * 3 + 2,
        logAppendTimeMs: -1,
      })
    }
    expect(log.endOffset).toBe(18)
    // One more is too long ago: it is not appended a second time either.
    const tooOld = await append(log, from(1, 0, 3))
    expect(tooOld).toMatchObject({ ok: false, error: errors.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(await append(log, from(1, 18))).toMatchObject({ ok: true, baseOffset: 18 })
  })

  test('a duplicate of a batch that the broker stamped gets that time', async () => {
    const log = await openLog()
    const stamped = { producerId: 1, producerEpoch: 0, baseSequence: 0 }
    await append(log, batch({ ...stamped, logAppendTime: 500 }))
    const again = await append(log, batch({ ...stamped, logAppendTime: 900 }))
    expect(again).toMatchObject({ duplicate: true, logAppendTimeMs: 500 })
  })

  test('a gap, or a range that only resembles one, is out of order', async () => {
    const log = await openLog()
    await append(log, from(1, 0, 5))
    for (const [sequence, records] of [
      [6, 1],
      [0, 4],
      [1, 4],
      [4, 1],
    ]) {
      const outcome = await append(log, from(1, sequence, records))
      expect(outcome).toMatchObject({ ok: false, error: errors.OUT_OF_ORDER_SEQUENCE_NUMBER })
    }
    expect(log.endOffset).toBe(5)
  })

  test('sequences go on at 0 after 2^31 - 1, also within a batch', async () => {
    const log = await openLog()
    expect(await append(log, from(1, sequenceMax - 1, 2))).toMatchObject({ baseOffset: 0 })
    expect(await append(log, from(1, 0, 2))).toMatchObject({ baseOffset: 2, duplicate: false })
    expect(await append(log, from(2, sequenceMax - 1, 4))).toMatchObject({ baseOffset: 4 })
    expect(await append(log, from(2, 2, 1))).toMatchObject({ baseOffset: 8 })
    const again = await append(log, from(2, sequenceMax - 1, 4))
    expect(again).toMatchObject({ duplicate: true, baseOffset: 4, lastOffset: 7 })
    expect(sequenceAfter(sequenceMax, 1)).toBe(0)
  })

  test('a new epoch begins at sequence 0, an old one is fenced', async () => {
    const log = await openLog()
    await append(log, from(1, 0, 3, 4))
    const wrongStart = await append(log, from(1, 3, 1, 5))
    expect(wrongStart).toMatchObject({ error: errors.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(await append(log, from(1, 0, 1, 5))).toMatchObject({ ok: true, baseOffset: 3 })
    const fenced = await append(log, from(1, 3, 1, 4))
    expect(fenced).toMatchObject({ ok: false, error: errors.INVALID_PRODUCER_EPOCH })
    // What the old epoch wrote is no duplicate any more.
    expect(await append(log, from(1, 0, 3, 4))).toMatchObject({
      error: errors.INVALID_PRODUCER_EPOCH,
    })
  })

  test('bug class 3: what an older epoch wrote is no duplicate of what a newer one writes', async () => {
    const log = await openLog()
    await append(log, from(1, 0, 3, 4))
    await append(log, from(1, 3, 2, 4))
    expect(await append(log, from(1, 0, 3, 5))).toMatchObject({ ok: true, baseOffset: 5 })
    expect(await append(log, from(1, 3, 2, 5))).toMatchObject({ ok: true, baseOffset: 8 })
  })

  test('one that is not known may begin at any sequence (KIP-360)', async () => {
    const log = await openLog()
    expect(await append(log, from(9, 1234))).toMatchObject({ ok: true, baseOffset: 0 })
  })

  test('bug class 3: is forgotten, with its window, after producer.id.expiration.ms of silence', async () => {
    const clock = new HandClock()
    let expirationMs = 5000
    const log = await openLog({ clock, producerExpirationMs: () => expirationMs })
    // The config is altered while the broker runs.
    expirationMs = 1000
    await append(log, from(1, 0))
    await append(log, from(2, 0))
    clock.advance(600)
    await append(log, from(2, 1))
    clock.advance(400)
    expect(await append(log, from(2, 3))).toMatchObject({ ok: false })
    expect(await append(log, from(1, 77))).toMatchObject({ ok: true })
    clock.advance(999)
    log.sweepProducers()
    expect(log.producers().map(({ producerId }) => producerId)).toEqual([1])
  })

  test('batches of one call follow one another; a refused request leaves nothing behind', async () => {
    const log = await openLog()
    const outcomes = await log.append(
      [from(1, 0), from(1, 1), from(1, 1), from(1, 3), request(from(1, 2), from(1, 7)), from(1, 2)],
      0,
    )
    expect(outcomes).toMatchObject([
      { ok: true, baseOffset: 0 },
      { ok: true, baseOffset: 1 },
      { ok: true, baseOffset: 1, duplicate: true },
      { ok: false },
      { ok: false },
      { ok: true, baseOffset: 2, duplicate: false },
    ])
    expect(log.endOffset).toBe(3)
  })

  test('producers do not get in each other’s way', async () => {
    const log = await openLog()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 40 }),
        async (order) => {
          const fresh = await openLog()
          const next = new Map<number, number>()
          for (const producerId of order) {
            const sequence = next.get(producerId) ?? 0
            const outcome = await append(fresh, from(producerId, sequence))
            expect(outcome).toMatchObject({ ok: true, duplicate: false })
            next.set(producerId, sequence + 1)
          }
          expect(fresh.endOffset).toBe(order.length)
        },
      ),
      { numRuns: 20 },
    )
    await log.close()
  })
})

describe('what is remembered across a restart', () => {
  async function fill(log: Log): Promise<void> {
    for (let i = 0; i < 8; i++) await append(log, from(1, i * 2, 2))
    for (let i = 0; i < 3; i++) await append(log, from(2, i))
  }

  async function expectWindow(log: Log): Promise<void> {
    for (let i = 3; i < 8; i++) {
      const outcome = await append(log, from(1, i * 2, 2))
      expect(outcome).toMatchObject({ ok: true, duplicate: true, baseOffset: i * 2 })
    }
    for (let i = 0; i < 3; i++) {
      expect(await append(log, from(2, i))).toMatchObject({ duplicate: true, baseOffset: 16 + i })
    }
    expect(await append(log, from(1, 4, 2))).toMatchObject({ ok: false })
    expect(await append(log, from(1, 16, 2))).toMatchObject({ ok: true, baseOffset: 19 })
    expect(await append(log, from(2, 3))).toMatchObject({ ok: true, baseOffset: 21 })
  }

  test('all five batches, after a clean end', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk })
    await fill(log)
    await log.close()
    await expectWindow(await openLog({ disk, cleanShutdown: true, recoveryPoint: 19 }))
  })

  test('all five batches, after a kill', async () => {
    const disk = new MemoryDisk()
    await fill(await openLog({ disk }))
    await expectWindow(await openLog({ disk }))
  })

  test('all five batches, after a kill just behind a roll', async () => {
    const disk = new MemoryDisk()
    const config = { segmentBytes: 400 }
    const log = await openLog({ disk, config })
    await fill(log)
    await log.flush()
    expect(log.segmentCount).toBeGreaterThan(2)
    await expectWindow(await openLog({ disk, config, recoveryPoint: log.recoveryPoint }))
  })

  test('the last batch at least, where Kafka wrote the snapshot', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk })
    await fill(log)
    await log.close()
    await disk.unlink(`${folder}/00000000000000000019.dedup`)
    const again = await openLog({ disk, cleanShutdown: true, recoveryPoint: 19 })
    expect(await append(again, from(1, 14, 2))).toMatchObject({ duplicate: true, baseOffset: 14 })
    expect(await append(again, from(1, 12, 2))).toMatchObject({ ok: false })
    expect(await append(again, from(1, 16))).toMatchObject({ ok: true, baseOffset: 19 })
  })

  test.each(['snapshot', 'dedup'])('a damaged .%s is not believed', async (kind) => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk })
    await fill(log)
    await log.close()
    disk.flipBit(`${folder}/00000000000000000019.${kind}`, 12, 3)
    const again = await openLog({ disk, cleanShutdown: true, recoveryPoint: 19 })
    expect(again.producers().map(({ producerId, lastBatch }) => [producerId, lastBatch])).toEqual(
      log.producers().map(({ producerId, lastBatch }) => [producerId, lastBatch]),
    )
    expect(await append(again, from(1, 16, 2))).toMatchObject({ ok: true, baseOffset: 19 })
  })

  test('after a cut nothing of what was cut', async () => {
    const log = await openLog({ config: { segmentBytes: 400 } })
    await fill(log)
    await log.truncateTo(9)
    expect(log.endOffset).toBe(8)
    expect(log.producers().map(({ producerId }) => producerId)).toEqual([1])
    expect(await append(log, from(1, 6, 2))).toMatchObject({ duplicate: true, baseOffset: 6 })
    expect(await append(log, from(1, 8, 2))).toMatchObject({ duplicate: false, baseOffset: 8 })
    expect(await append(log, from(2, 0))).toMatchObject({ duplicate: false, baseOffset: 10 })
  })
})

test('a state is as large as its window, however many batches come', () => {
  const state = new ProducerState(1, 0, 0)
  for (let i = 0; i < 100; i++) {
    const lastOffsetDelta = 0
    const sequenced = {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: i,
      lastOffsetDelta,
      maxTimestamp: i,
    }
    expect(state.check(sequenced)).toEqual({ kind: 'append' })
    state.remember(sequenced, i)
  }
  expect(state.batches).toHaveLength(5)
})
