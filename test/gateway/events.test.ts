import { errors } from '@sluice/protocol/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestEventSource } from './event-source.ts'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await TestGateway.start({ limits: { heartbeatMs: 100 } })
})

afterAll(() => gateway[Symbol.asyncDispose]())

const path = (topic: string) => `/v1/topics/${topic}/records`

async function produce(topic: string, values: readonly unknown[], partition?: number) {
  const records = values.map((value) => ({ value, partition }))
  const { status } = await gateway.post(path(topic), { records })
  if (status !== 200) throw new Error(`status ${status}`)
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index)

const valuesOf = (source: TestEventSource) => source.records().map(({ data }) => data.value)

describe('server-sent events', () => {
  test('what is there, that it is all, then what comes', async () => {
    await produce('live', [1, 2])
    const source = new TestEventSource(gateway.url(path('live')))
    const response = await source.open()
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    await source.until(() => source.events.some(({ event }) => event === 'caught-up'))
    expect(valuesOf(source)).toEqual([1, 2])
    expect(source.events.at(-1)).toMatchObject({ data: { high_watermark: { 0: 2 } } })
    await produce('live', [3])
    await source.until(() => source.records().length === 3)
    expect(source.records()[2].data).toMatchObject({ partition: 0, offset: 2, value: 3 })
    source.close()
  })

  test('heartbeats in silence, as events and as comments', async () => {
    await gateway.createTopic('calm')
    const source = new TestEventSource(gateway.url(path('calm')))
    await source.open()
    const beats = () => source.events.filter(({ event }) => event === 'heartbeat')
    await source.until(() => beats().length >= 2)
    expect(source.comments).toContain('heartbeat')
    expect(beats()[0].data).toEqual({ high_watermark: { 0: 0 } })
    source.close()
  })

  test('a client that is cut off again and again misses nothing and sees nothing twice', async () => {
    await gateway.createTopic('cut', { partitions: 3 })
    const source = new TestEventSource(gateway.url(path('cut')))
    await source.open()
    const total = 3000
    let produced = 0
    const producing = (async () => {
      while (produced < total) {
        const next = Math.min(total, produced + 1 + Math.floor(Math.random() * 40))
        await produce('cut', range(produced, next))
        produced = next
      }
    })()
    for (let cuts = 0; cuts < 25; cuts++) {
      const seen = source.records().length
      await source.until(() => source.records().length > Math.min(seen + 50, total - 1))
      await source.open()
    }
    await producing
    await source.until(() => source.records().length >= total)
    const values = valuesOf(source).sort((a, b) => a - b)
    expect(values).toEqual(range(0, total))
    source.close()
  })

  test('many readers of one topic are served by few fetches', async () => {
    await gateway.createTopic('fan')
    const sources = range(0, 50).map(() => new TestEventSource(gateway.url(path('fan'))))
    await Promise.all(sources.map((source) => source.open()))
    await Promise.all(sources.map((source) => source.until(() => source.events.length > 0)))
    const before = await fetchCount()
    for (const value of range(0, 20)) {
      await produce('fan', [value])
      await Promise.all(
        sources.map((source) => source.until(() => source.records().length > value)),
      )
    }
    for (const source of sources) {
      expect(valuesOf(source)).toEqual(range(0, 20))
      source.close()
    }
    expect((await fetchCount()) - before).toBeLessThan(20 * 5)
  })

  test('Last-Event-ID wins over from, and must be one of ours', async () => {
    await produce('resumed', [1, 2, 3])
    const source = new TestEventSource(gateway.url(`${path('resumed')}?from=earliest`))
    await source.open()
    await source.until(() => source.records().length === 3)
    const second = new TestEventSource(gateway.url(`${path('resumed')}?from=earliest`))
    second.lastEventId = source.records()[0].id
    await second.open()
    await second.until(() => second.records().length === 2)
    expect(valuesOf(second)).toEqual([2, 3])
    const wrong = new TestEventSource(gateway.url(path('resumed')))
    wrong.lastEventId = 'garbage'
    await wrong.open()
    expect(wrong.status).toBe(400)
    const trimmed = new TestEventSource(gateway.url(path('resumed')))
    trimmed.lastEventId = source.records()[0].id
    gateway.broker.partitions.get('resumed', 0)!.deleteRecordsBefore(3)
    await trimmed.open()
    expect(trimmed.status).toBe(410)
    source.close()
    second.close()
  })

  test('a reader who does not read holds up only himself', async () => {
    const large = 'x'.repeat(10_000)
    await gateway.createTopic('slow')
    const slow = new TestEventSource(gateway.url(path('slow')))
    const fast = new TestEventSource(gateway.url(path('slow')))
    await Promise.all([slow.open(), fast.open()])
    slow.pause()
    for (let n = 0; n < 20; n++) await produce('slow', Array(50).fill(large))
    await fast.until(() => fast.records().length === 1000)
    expect(slow.records().length).toBeLessThan(1000)
    slow.resume()
    await slow.until(() => slow.records().length === 1000)
    const offsets = slow.records().map(({ data }) => data.offset)
    expect(offsets).toEqual(range(0, 1000))
    slow.close()
    fast.close()
  })

  test('a leader that moves is followed; a topic that goes ends the stream with its problem', async () => {
    await produce('unstable', [1])
    const source = new TestEventSource(gateway.url(path('unstable')))
    await source.open()
    await source.until(() => source.records().length === 1)
    gateway.faults.fail('Fetch', errors.NOT_LEADER_OR_FOLLOWER, { times: 3 })
    await produce('unstable', [2])
    await source.until(() => source.records().length === 2)
    await gateway.request('DELETE', '/v1/topics/unstable')
    await gateway.createTopic('unstable')
    await source.until(() => source.ended)
    expect(source.events.at(-1)).toMatchObject({
      event: 'error',
      data: { code: 'topic_replaced', status: 410, side_effects: 'none' },
    })
  })

  test('by key, and a filter that lets nothing through still moves the cursor', async () => {
    await gateway.createTopic('keyed')
    const source = new TestEventSource(gateway.url(`${path('keyed')}?key=mine`))
    await source.open()
    await source.until(() => source.events.length > 0)
    const first = source.lastEventId
    await gateway.post(path('keyed'), { records: [{ key: 'other', value: 1 }] })
    await source.until(() => source.lastEventId !== first)
    expect(source.records()).toEqual([])
    await gateway.post(path('keyed'), { records: [{ key: 'mine', value: 2 }] })
    await source.until(() => source.records().length === 1)
    expect(valuesOf(source)).toEqual([2])
    source.close()
  })

  test('partitions that are added are read from their start', async () => {
    await gateway.createTopic('growing')
    const source = new TestEventSource(gateway.url(path('growing')))
    await source.open()
    await gateway.request('PATCH', '/v1/topics/growing', { body: { partitions: 2 } })
    await produce('growing', [1], 1)
    await source.until(() => source.records().length === 1)
    expect(source.records()[0].data).toMatchObject({ partition: 1, offset: 0 })
    source.close()
  })
})

describe('the end of a stream', () => {
  test('to an EventSource any status but 200 is the end: what passes is said in a stream', async () => {
    await using full = await TestGateway.start({ limits: { streamsMax: 1 } })
    await full.createTopic('crowded')
    const source = new TestEventSource(full.url(path('crowded')))
    await source.open()
    await source.until(() => source.events.length > 0)
    const late = new TestEventSource(full.url(path('crowded')))
    await late.open()
    expect(late.status).toBe(503)
    late.lastEventId = source.events[0].id
    await late.open()
    await late.until(() => late.ended)
    expect([late.status, late.events]).toEqual([
      200,
      [{ event: 'reconnect', id: undefined, data: { reason: 'overloaded' } }],
    ])
    await full.gateway.close()
    await source.until(() => source.ended)
    await source.open()
    await source.until(() => source.ended)
    expect(source.events.at(-1)).toMatchObject({ event: 'reconnect', data: { reason: 'shutdown' } })
    expect((await full.get(path('crowded'))).status).toBe(503)
  })

  test('it is told to reconnect at its age', async () => {
    await using aging = await TestGateway.start({ limits: { streamAgeMsMax: 150 } })
    await aging.createTopic('old')
    const source = new TestEventSource(aging.url(path('old')))
    await source.open()
    await source.until(() => source.ended)
    expect(source.events.at(-1)).toMatchObject({ event: 'reconnect', data: { reason: 'max_age' } })
    await aging.post(path('old'), 'later')
    await source.open()
    await source.until(() => source.records().length === 1)
    source.close()
  })

  test('followed text ends at its age, though records keep coming', async () => {
    await using aging = await TestGateway.start({ limits: { streamAgeMsMax: 150 } })
    await aging.createTopic('old-text')
    let over = false
    const text = aging
      .get(`${path('old-text')}?follow=true`, { accept: 'text/plain' })
      .finally(() => {
        over = true
      })
    while (!over) await aging.post(path('old-text'), 'x')
    expect((await text).text).toMatch(/^(x\n)*$/)
  })

  test('and when the server goes; long polls return', async () => {
    const leaving = await TestGateway.start()
    await leaving.createTopic('leaving')
    const source = new TestEventSource(leaving.url(path('leaving')))
    await source.open()
    await source.until(() => source.events.length > 0)
    const poll = leaving.get(`${path('leaving')}?wait=30000`)
    // By then it is there; the busiest machine is given time for it.
    await new Promise((resolve) => setTimeout(resolve, 500))
    await leaving[Symbol.asyncDispose]()
    await source.until(() => source.ended)
    const last = source.events.at(-1)
    expect(last).toMatchObject({ event: 'reconnect', data: { reason: 'shutdown' } })
    expect((await poll).json.records).toEqual([])
  })

  test('there are only so many, and one that ends makes room', async () => {
    await using small = await TestGateway.start({ limits: { streamsMax: 2 } })
    await small.createTopic('few')
    const sources = range(0, 3).map(() => new TestEventSource(small.url(path('few'))))
    await sources[0].open()
    await sources[1].open()
    const refused = await sources[2].open()
    expect(refused.statusCode).toBe(503)
    expect(refused.headers['retry-after']).toBe('1')
    sources[0].close()
    let status = 503
    while (status === 503) status = (await sources[2].open()).statusCode ?? 0
    expect(status).toBe(200)
  })
})

async function fetchCount(): Promise<number> {
  const text = await gateway.metrics.text()
  return Number(/sluice_request_seconds_count\{api="Fetch"\} (\d+)/.exec(text)?.[1] ?? 0)
}
