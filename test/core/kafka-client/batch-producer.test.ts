// Whole batches under terms, over the wire: a key, an expected end offset, a producer's sequence; what a broker
// that is not ours is asked; and that nobody else sees anything of it.

import { createHash } from 'node:crypto'
import { BatchProducer, type PreparedBatch } from '@sluice/core/kafka-client/batch-producer'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { AppendTerms } from '@sluice/protocol/extensions'
import { readBatchHeader } from '@sluice/protocol/records/batch'
import {
  newKeyMark,
  readKeyMark,
  remarkBatch,
  withKeyMark,
} from '@sluice/protocol/records/key-mark'
import { encodeBatch } from '@sluice/protocol/records/record'
import { describe, expect, test } from 'vitest'
import { Cluster, scripted } from './cluster.ts'

const options = { deliveryTimeoutMs: 10_000, bufferBytes: 1024 * 1024 }
const record = (value: string) => ({ timestamp: 1000, key: null, value: Buffer.from(value) })

function markOf(key: string, body: string): Buffer {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return newKeyMark({ keyHash: hash(key), bodyHash: hash(body), timeMs: Date.now() })
}

function keyed(key: string, value: string): PreparedBatch {
  const keyMark = markOf(key, value)
  const records = encodeBatch({ records: withKeyMark([record(value)], keyMark), keyMark: true })
  return prepared(records, { keyMark })
}

function prepared(records: Buffer, terms?: AppendTerms): PreparedBatch {
  return { topic: 'orders', partition: 0, records, acks: -1, terms, repeatable: true }
}

describe('batches under terms', () => {
  test('a key once; the same again; another body', async () => {
    await using cluster = await Cluster.start()
    const producer = new BatchProducer(cluster.client, options)
    expect(await producer.produce(keyed('a', 'x'))).toMatchObject({
      baseOffset: 0,
      verdict: undefined,
    })
    expect(await producer.produce(keyed('a', 'x'))).toMatchObject({
      baseOffset: 0,
      verdict: { kind: 'repeated', count: 1 },
    })
    await expect(producer.produce(keyed('a', 'y'))).rejects.toMatchObject({
      verdict: { kind: 'other-body' },
    })
  })

  test('a lost answer is asked for again, and stores nothing twice', async () => {
    await using cluster = await Cluster.start()
    const producer = new BatchProducer(cluster.client, options)
    await producer.produce(keyed('a', 'x'))
    cluster.faults.fail('Produce', errors.REQUEST_TIMED_OUT, { times: 2 })
    expect(await producer.produce(keyed('b', 'x'))).toMatchObject({ baseOffset: 1 })
  })

  test('an expected end', async () => {
    await using cluster = await Cluster.start()
    const producer = new BatchProducer(cluster.client, options)
    const at = (expectedEnd: number) =>
      producer.produce(prepared(encodeBatch({ records: [record('v')] }), { expectedEnd }))
    expect(await at(0)).toMatchObject({ baseOffset: 0 })
    await expect(at(0)).rejects.toMatchObject({ verdict: { kind: 'end-moved', endOffset: 1 } })
  })

  test('a producer’s sequence', async () => {
    await using cluster = await Cluster.start()
    const producer = new BatchProducer(cluster.client, options)
    const next = (producerEpoch: number, baseSequence: number) => {
      const identity = { producerId: 77, producerEpoch, baseSequence }
      return producer.produce(prepared(encodeBatch({ records: [record('v')], ...identity }), {}))
    }
    expect(await next(1, 0)).toMatchObject({ baseOffset: 0, verdict: undefined })
    expect(await next(1, 0)).toMatchObject({ baseOffset: 0, verdict: { kind: 'repeated' } })
    const refused = { kind: 'out-of-sequence', epoch: 1, nextSequence: 1 }
    await expect(next(1, 5)).rejects.toMatchObject({ verdict: refused })
    await expect(next(0, 1)).rejects.toMatchObject({
      code: errors.INVALID_PRODUCER_EPOCH,
      verdict: { epoch: 1 },
    })
  })

  test('a mark that the request does not name, or names otherwise, is refused', async () => {
    await using cluster = await Cluster.start()
    const producer = new BatchProducer(cluster.client, options)
    const { records } = keyed('a', 'x')
    const refused = { code: errors.INVALID_RECORD }
    await expect(producer.produce(prepared(records))).rejects.toMatchObject(refused)
    const other = { keyMark: markOf('b', 'x') }
    await expect(producer.produce(prepared(records, other))).rejects.toMatchObject(refused)
    const unmarked = encodeBatch({ records: [record('v')] })
    await expect(producer.produce(prepared(unmarked, other))).rejects.toMatchObject(refused)
  })

  test('a compressed batch is marked in its codec', () => {
    const mark = markOf('a', 'x')
    const batch = encodeBatch({ records: [record('v'), record('w')], codec: 'lz4' })
    const marked = remarkBatch(batch, mark)
    const header = readBatchHeader(marked, 0)
    expect(header).toMatchObject({ codec: 'lz4', recordCount: 2 })
    expect(readKeyMark(marked, header)).toEqual(mark)
  })
})

test('a broker that is not ours is not asked', async () => {
  const { client } = await scripted()
  const producer = new BatchProducer(client, options)
  await expect(producer.produce({ ...keyed('a', 'x'), topic: 'topic' })).rejects.toMatchObject({
    code: errors.UNSUPPORTED_VERSION,
  })
  client.close()
})

test('who does not ask hears nothing of the extensions', async () => {
  await using cluster = await Cluster.start()
  const software = { clientSoftwareName: 'other', clientSoftwareVersion: '1' }
  const answer = await cluster.client.request(apis.apiVersions, 'any', software)
  expect(answer.errorCode).toBe(0)
  expect(answer.unknownTags).toBeUndefined()
})
