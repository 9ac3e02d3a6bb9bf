// The keys of idempotent requests: the table against a model, and what a log knows of them after a clean
// end, a kill, a roll, a cut, and a damaged snapshot.

import { createHash } from 'node:crypto'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { Dedup } from '@sluice/core/log/dedup'
import type { AppendRequest, Log } from '@sluice/core/log/log'
import { errors } from '@sluice/protocol/errors'
import { readBatchHeader } from '@sluice/protocol/records/batch'
import { newKeyMark, withKeyMark } from '@sluice/protocol/records/key-mark'
import { encodeBatch } from '@sluice/protocol/records/record'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { append, batch, folder, HandClock, openLog, startMs } from './fixture.ts'

const windowMs = 1000
const limits = { dedupWindowMs: windowMs, dedupEntriesMax: 20 }

function markOf(key: string, body = 'b', timeMs = startMs): Buffer {
  const keyHash = createHash('sha256').update(key).digest()
  const bodyHash = createHash('sha256').update(body).digest()
  return newKeyMark({ keyHash, bodyHash, timeMs })
}

describe('the table', () => {
  type Step =
    | { kind: 'use'; key: number; body: number }
    | { kind: 'wait'; ms: number }
    | { kind: 'cut'; back: number }
    | { kind: 'reload' }

  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({ kind: fc.constant('use' as const), key: fc.nat(40), body: fc.nat(1) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), back: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'reload' as const }) },
  )

  test('answers as a plain map of what is younger than the window would', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        let dedup = new Dedup(() => limits)
        let model: { key: number; body: number; offset: number; ms: number }[] = []
        let nowMs = startMs
        let end = 0
        for (const one of steps) {
          if (one.kind === 'wait') nowMs += one.ms
          if (one.kind === 'cut') {
            end = Math.max(0, end - one.back)
            dedup.truncate(end)
            model = model.filter(({ offset }) => offset < end)
          }
          if (one.kind === 'reload') {
            const copy = new Dedup(() => limits)
            expect(copy.load(dedup.encode())).toBe(true)
            dedup = copy
          }
          model = model.filter(({ ms }) => nowMs - ms < windowMs)
          if (one.kind !== 'use') continue
          const mark = markOf(`${one.key}`, `${one.body}`)
          const verdict = dedup.check(mark, nowMs, 0)
          const known = model.find(({ key }) => key === one.key)
          if (known === undefined) {
            expect(verdict.kind).toBe(model.length < limits.dedupEntriesMax ? 'new' : 'full')
            if (verdict.kind === 'full') continue
            dedup.add(mark, { baseOffset: end, count: 1, timestampMs: nowMs }, nowMs)
            model.push({ key: one.key, body: one.body, offset: end, ms: nowMs })
            end += 1
          } else if (known.body === one.body) {
            const place = { baseOffset: known.offset, count: 1, timestampMs: known.ms }
            expect(verdict).toEqual({ kind: 'repeated', place })
          } else {
            expect(verdict.kind).toBe('other-body')
          }
          expect(dedup.size).toBe(model.length)
        }
      }),
    )
  })

  test('many keys, found each, and the memory is given back', () => {
    const dedup = new Dedup(() => ({ dedupWindowMs: windowMs, dedupEntriesMax: 100_000 }))
    for (let i = 0; i < 50_000; i++) {
      dedup.add(markOf(`${i}`), { baseOffset: i, count: 1, timestampMs: i }, startMs)
    }
    for (let i = 0; i < 50_000; i += 7) {
      expect(dedup.check(markOf(`${i}`), startMs, 0)).toMatchObject({ place: { baseOffset: i } })
    }
    expect(dedup.encode().length).toBe(50_000 * 52)
    dedup.expire(startMs + windowMs)
    expect(dedup.size).toBe(0)
  })
})

/** One batch of `values` under the key. */
function keyed(key: string, values = ['v'], body = values.join()): AppendRequest {
  const keyMark = markOf(key, body)
  const records = values.map((value) => ({
    timestamp: startMs,
    key: null,
    value: Buffer.from(value),
  }))
  const bytes = encodeBatch({ records: withKeyMark(records, keyMark), keyMark: true })
  return { records: bytes, batches: [readBatchHeader(bytes, 0)], terms: { keyMark } }
}

describe('a log', () => {
  const repeated = (baseOffset: number, count = 1) => ({
    ok: true,
    duplicate: true,
    baseOffset,
    lastOffset: baseOffset + count - 1,
    verdict: { kind: 'repeated', count, timestampMs: startMs },
  })

  test('appends a key once, and refuses it with another body', async () => {
    const log = await openLog()
    expect(await append(log, keyed('a', ['x', 'y']))).toMatchObject({
      duplicate: false,
      baseOffset: 0,
    })
    expect(await append(log, batch())).toMatchObject({ baseOffset: 2 })
    expect(await append(log, keyed('a', ['x', 'y']))).toMatchObject(repeated(0, 2))
    expect(await append(log, keyed('a', ['z']))).toMatchObject({
      ok: false,
      verdict: { kind: 'other-body' },
    })
    expect(log.endOffset).toBe(3)
  })

  test('sees a repetition within one append', async () => {
    const log = await openLog()
    const outcomes = await log.append([keyed('a'), keyed('b'), keyed('a'), keyed('a', ['w'])], 0)
    expect(outcomes).toMatchObject([
      { ok: true, baseOffset: 0, duplicate: false },
      { ok: true, baseOffset: 1, duplicate: false },
      repeated(0),
      { ok: false, verdict: { kind: 'other-body' } },
    ])
    expect(log.endOffset).toBe(2)
  })

  test('appends where it ends as expected, and tells a repetition before that', async () => {
    const log = await openLog()
    const atEnd = (expectedEnd: number, key?: string) => {
      const request = key === undefined ? batch() : keyed(key)
      return append(log, { ...request, terms: { ...request.terms, expectedEnd } })
    }
    expect(await atEnd(0)).toMatchObject({ ok: true, baseOffset: 0 })
    expect(await atEnd(0)).toMatchObject({
      ok: false,
      verdict: { kind: 'end-moved', endOffset: 1 },
    })
    expect(await atEnd(1, 'a')).toMatchObject({ ok: true, baseOffset: 1 })
    expect(await atEnd(1, 'a')).toMatchObject(repeated(1))
    expect(await atEnd(1, 'b')).toMatchObject({ ok: false, verdict: { kind: 'end-moved' } })
    const terms = { expectedEnd: 2 }
    const both = await log.append(
      [
        { ...batch(), terms },
        { ...batch(), terms },
      ],
      0,
    )
    expect(both).toMatchObject([{ ok: true, baseOffset: 2 }, { ok: false }])
  })

  test('takes no key beyond the most, and forgets none early', async () => {
    const clock = new HandClock()
    const log = await openLog({ clock, config: { dedupEntriesMax: 2 } })
    const outcomes = await log.append([keyed('a'), keyed('b'), keyed('c')], 0)
    expect(outcomes[2]).toMatchObject({
      ok: false,
      error: errors.THROTTLING_QUOTA_EXCEEDED,
      verdict: { kind: 'dedup-full' },
    })
    expect(await append(log, keyed('a'))).toMatchObject(repeated(0))
    expect(await append(log, batch())).toMatchObject({ ok: true })
    clock.advance(900_000)
    expect(await append(log, keyed('c'))).toMatchObject({ ok: true, duplicate: false })
    expect(await append(log, keyed('a'))).toMatchObject({ ok: true, duplicate: false })
  })

  async function fill(log: Log, keys: number): Promise<void> {
    for (let i = 0; i < keys; i++) await append(log, keyed(`${i}`))
  }

  async function expectKnown(log: Log, keys: number): Promise<void> {
    for (let i = 0; i < keys; i++) {
      expect(await append(log, keyed(`${i}`))).toMatchObject(repeated(i))
      expect(await append(log, keyed(`${i}`, ['w']))).toMatchObject({ ok: false })
    }
    expect(log.endOffset).toBe(keys)
  }

  test('knows the keys after a kill, from the log', async () => {
    const disk = new MemoryDisk()
    await fill(await openLog({ disk }), 20)
    await expectKnown(await openLog({ disk }), 20)
  })

  test('knows the keys after a kill behind a roll, from snapshot and log', async () => {
    const disk = new MemoryDisk()
    const config = { segmentBytes: 500 }
    const log = await openLog({ disk, config })
    await fill(log, 20)
    await log.flush()
    expect(log.segmentCount).toBeGreaterThan(2)
    await expectKnown(await openLog({ disk, config, recoveryPoint: log.recoveryPoint }), 20)
  })

  test.each(['none', 'snapshot', 'dedup'])(
    'knows the keys after a clean end (damaged: %s)',
    async (kind) => {
      const disk = new MemoryDisk()
      const log = await openLog({ disk })
      await fill(log, 20)
      await log.close()
      if (kind !== 'none') disk.flipBit(`${folder}/00000000000000000020.${kind}`, 9, 3)
      await expectKnown(await openLog({ disk, cleanShutdown: true, recoveryPoint: 20 }), 20)
    },
  )

  test('knows nothing of what was cut, and all that stayed', async () => {
    const log = await openLog({ config: { segmentBytes: 500 } })
    await fill(log, 20)
    await log.truncateTo(7)
    expect(log.lookUpKey(markOf('7')).kind).toBe('new')
    expect(await append(log, keyed('6'))).toMatchObject(repeated(6))
    expect(await append(log, keyed('7'))).toMatchObject({
      ok: true,
      duplicate: false,
      baseOffset: 7,
    })
    await log.truncateFullyAt(30)
    expect(await append(log, keyed('0'))).toMatchObject({
      ok: true,
      duplicate: false,
      baseOffset: 30,
    })
  })

  test('a repetition whose records retention took is one all the same', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk })
    await fill(log, 3)
    log.advanceStartOffset(3)
    expect(await append(log, keyed('0'))).toMatchObject(repeated(0))
  })

  test('what is older than the window when a log is recovered is not remembered', async () => {
    const disk = new MemoryDisk()
    await fill(await openLog({ disk }), 5)
    const clock = new HandClock()
    clock.nowMs += 900_000
    expect((await openLog({ disk, clock })).lookUpKey(markOf('4')).kind).toBe('new')
  })

  test('a header of that name alone means nothing', async () => {
    const disk = new MemoryDisk()
    const records = [{ timestamp: startMs, key: null, value: Buffer.from('v') }]
    const bytes = encodeBatch({ records: withKeyMark(records, markOf('a')) })
    await append(await openLog({ disk }), { records: bytes, batches: [readBatchHeader(bytes, 0)] })
    expect((await openLog({ disk })).lookUpKey(markOf('a')).kind).toBe('new')
  })
})
