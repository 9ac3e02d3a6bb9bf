// The HTTP side of a soak: records as JSON and as raw bodies, pages by long poll, and readers of server-sent events
// that are cut off and come back by their last id.

import { TestEventSource } from '../../gateway/event-source.ts'
import { audited, between, partitionCount, type Soak, valueBy } from './soak.ts'

const pauseMs = 500
const recordsEach = 8

interface Position {
  readonly partition: number
  readonly offset: number
}

const recordsUrl = (soak: Soak) => `${soak.broker.url}/v1/topics/${audited.http}/records`

export async function produceOverHttp(soak: Soak): Promise<void> {
  for (let sequence = 0; soak.writing; ) {
    const values = Array.from({ length: recordsEach }, () => valueBy('http', sequence++))
    const records = values.map((value) => ({ value }))
    await post(soak, JSON.stringify({ records }), 'application/json', values)
    const value = valueBy('raw', sequence++)
    await post(soak, value, 'text/plain', [value])
    await soak.pause(pauseMs)
  }
}

async function post(soak: Soak, body: string, type: string, values: string[]): Promise<void> {
  const headers = { 'Content-Type': type }
  const answer = await fetch(recordsUrl(soak), { method: 'POST', headers, body })
  if (answer.status !== 200) {
    for (const value of values) soak.ledger.doubtful(value)
    soak.ledger.violation(`POST: ${answer.status} ${await answer.text()}`)
    return
  }
  const { results } = (await answer.json()) as { results: Position[] }
  results.forEach(({ partition, offset }, index) => {
    soak.ledger.acknowledged(audited.http, partition, offset, values[index])
  })
}

/** Three readers, each cut off every few seconds. */
export async function readEvents(soak: Soak): Promise<void> {
  await Promise.all([1, 2, 3].map(() => readEventsOnce(soak)))
}

async function readEventsOnce(soak: Soak): Promise<void> {
  const source = new TestEventSource(`${recordsUrl(soak)}?from=earliest&format=string`)
  const next = new Array<number>(partitionCount).fill(0)
  while (soak.reading) {
    const { statusCode } = await source.open()
    if (statusCode !== 200) soak.ledger.violation(`events: ${statusCode}`)
    const cutMs = performance.now() + between(2_000, 8_000)
    while (soak.reading && performance.now() < cutMs) {
      await new Promise((done) => setTimeout(done, 100))
      for (const { data } of source.records()) {
        const { partition, offset } = data as Position
        if (offset !== next[partition]) {
          soak.ledger.violation(`events: ${offset} came after ${next[partition] - 1}`)
        }
        next[partition] = offset + 1
      }
      source.events.length = 0
      source.comments.length = 0
    }
  }
  source.close()
}

/** Pages by long poll, from the end on. */
export async function readPages(soak: Soak): Promise<void> {
  let url = `${recordsUrl(soak)}?from=latest&wait=2000`
  while (soak.writing) {
    const answer = await fetch(url)
    if (answer.status !== 200) {
      soak.ledger.violation(`GET: ${answer.status} ${await answer.text()}`)
      return
    }
    const { next } = (await answer.json()) as { next?: string }
    if (next) url = `${recordsUrl(soak)}?from=cursor:${next}&wait=2000`
    await soak.pause(200)
  }
}
