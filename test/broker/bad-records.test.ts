// Records that must not get into a log: each is refused with its code and nothing is stored. Then sequences of
// idempotent producers that do not follow.

import { zstdCompressSync } from 'node:zlib'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import {
  batchCrc,
  batchField,
  codecs,
  readBatchHeader,
  writeInt32,
} from '@sluice/protocol/records/batch'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { batchAround, batchOfDeltas, batchWith, brokenBatches } from './broken-batches.ts'
import { Scene } from './scene.ts'
import { batchOf, type TestClient } from './test-broker.ts'

let scene: Scene
let client: TestClient

beforeEach(async () => {
  scene = await Scene.start()
  client = await scene.running.connect()
})
afterEach(async () => {
  await scene.expectCalm()
  await scene.close()
})

function produce(records: Buffer | null, version = 9, topic = 'orders', acks = -1) {
  return client.send(apis.produce, version, {
    acks,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
}

async function errorOf(...given: Parameters<typeof produce>): Promise<string> {
  const { responses } = await produce(...given)
  return errorName(responses[0].partitionResponses[0].errorCode)
}

describe('a batch is refused that has', () => {
  test.each(brokenBatches)('$name', async ({ records, error }) => {
    for (const version of [3, 9]) expect(await errorOf(records, version)).toBe(error)
    expect(await errorOf(records, 9, 'orders', 1)).toBe(error)
    expect(scene.endOffset()).toBe(0)
  })
})

test('a bad batch does not hold up the good ones of its request', async () => {
  const { responses } = await client.send(apis.produce, 9, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      {
        name: 'orders',
        partitionData: [
          { index: 0, records: batchWith({ crc: 1 }) },
          { index: 1, records: batchOf(['good']) },
          { index: 2, records: batchOf(['nowhere']) },
        ],
      },
    ],
  })
  const codes = responses[0].partitionResponses.map(({ errorCode }) => errorName(errorCode))
  expect(codes).toEqual(['CORRUPT_MESSAGE', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
  expect([scene.endOffset(0), scene.endOffset(1)]).toEqual([0, 1])
})

test('with acks=0 a refusal can only be said by closing the connection', async () => {
  client.sendSilently(apis.produce, 9, {
    acks: 0,
    timeoutMs: 1000,
    topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batchWith({ crc: 1 }) }] }],
  })
  await client.closed
  expect(scene.endOffset()).toBe(0)
})

test('each record that breaks a rule of its topic is named', async () => {
  await scene.running.createTopic('compacted', { configs: { 'cleanup.policy': 'compact' } })
  const { responses } = await produce(batchOf(['a', 'b']), 9, 'compacted')
  const { errorCode, recordErrors } = responses[0].partitionResponses[0]
  expect(errorName(errorCode)).toBe('INVALID_RECORD')
  expect(recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1])
})

test('compressed records are looked at where sluice.validate is deep', async () => {
  await scene.close()
  scene = await Scene.start({ config: { 'sluice.validate': 'deep' } })
  client = await scene.running.connect()
  const noGzip = batchWith({ attributes: 1 })
  expect(await errorOf(noGzip)).not.toBe('NONE')
  const plain = batchOfDeltas([0, 2, 1])
  expect(await errorOf(plain)).toBe('INVALID_RECORD')
  const good = batchOf(['a', 'b'], { codec: 'gzip' })
  const short = batchOf(['a'], { codec: 'gzip' })
  good.copy(short, batchField.lastOffsetDelta, batchField.lastOffsetDelta, 27)
  expect(await errorOf(short)).toBe('CORRUPT_MESSAGE')
  expect(scene.endOffset()).toBe(0)
  expect(await errorOf(good)).toBe('NONE')
})

describe('compressed records that nobody looked at', () => {
  const byTime = async (timestamp: number) => {
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }]
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: 'orders', partitions }] }
    const { topics } = await client.send(apis.listOffsets, 7, request)
    const { errorCode, offset } = topics[0].partitions[0]
    return [errorName(errorCode), offset]
  }

  test('and that do not open are found by their time as a whole', async () => {
    const noGzip = batchWith({ attributes: 1 })
    expect(await errorOf(noGzip)).toBe('NONE')
    expect(await byTime(readBatchHeader(noGzip, 0).maxTimestamp)).toEqual(['NONE', 0])
    await produce(batchOf(['later'], { timestamp: Date.now() + 60_000 }))
    expect(await byTime(Date.now() + 30_000)).toEqual(['NONE', 3])
  })

  test('and are millions in a few kilobytes are searched without an object for each', async () => {
    const count = 3_000_000
    const smallest = Buffer.from('0c000000010100', 'hex')
    const bomb = batchAround(
      zstdCompressSync(Buffer.alloc(count * smallest.length, smallest)),
      count,
    )
    bomb[batchField.attributes + 1] = codecs.indexOf('zstd')
    bomb.writeBigInt64BE(BigInt(Date.now() + 1000), batchField.maxTimestamp)
    writeInt32(bomb, batchField.crc, batchCrc(bomb, 0))
    expect(await errorOf(bomb)).toBe('NONE')
    const before = process.memoryUsage().heapUsed
    expect(await byTime(Date.now() + 500)).toEqual(['NONE', -1])
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000)
  })

  test('are refused when nobody could open so many', async () => {
    const batch = batchWith(
      { recordCount: 2 ** 31 - 1, lastOffsetDelta: 2 ** 31 - 2 },
      { codec: 'gzip' },
    )
    expect(await errorOf(batch)).toBe('INVALID_RECORD')
    expect(scene.endOffset()).toBe(0)
  })

  test('are refused where they have to be stored in another codec', async () => {
    await scene.running.createTopic('plain', { configs: { 'compression.type': 'uncompressed' } })
    expect(await errorOf(batchWith({ attributes: 1 }), 9, 'plain')).toBe('INVALID_RECORD')
    const large = batchOf(['x'.repeat(2_000_000)], { codec: 'zstd' })
    expect(await errorOf(large, 9, 'plain')).toBe('MESSAGE_TOO_LARGE')
    expect(await errorOf(large)).toBe('NONE')
  })
})

describe('an idempotent producer', () => {
  const send = (sequence: number, epoch = 0, values = ['x']) =>
    produce(batchOf(values, { producerId: 900, producerEpoch: epoch, baseSequence: sequence }))
  const codeAndOffset = async (...given: Parameters<typeof send>) => {
    const { responses } = await send(...given)
    const { errorCode, baseOffset } = responses[0].partitionResponses[0]
    return [errorName(errorCode), baseOffset]
  }

  test('may begin anywhere when nothing is known of it', async () => {
    expect(await codeAndOffset(7)).toEqual(['NONE', 0])
    expect(await codeAndOffset(8)).toEqual(['NONE', 1])
  })

  test('is told where its last five batches already are', async () => {
    for (let n = 0; n < 6; n++) expect(await codeAndOffset(n)).toEqual(['NONE', n])
    for (let n = 1; n < 6; n++) expect(await codeAndOffset(n)).toEqual(['NONE', n])
    expect(await codeAndOffset(0)).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1])
    expect(scene.endOffset()).toBe(6)
  })

  test('leaves no gap in its sequence', async () => {
    await send(0)
    expect(await codeAndOffset(2)).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1])
    expect(await codeAndOffset(0, 0, ['x', 'y'])).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1])
    expect(scene.endOffset()).toBe(1)
    expect(await codeAndOffset(1)).toEqual(['NONE', 1])
  })

  test('begins a new epoch at 0 and never goes back to an old one', async () => {
    await send(0)
    expect(await codeAndOffset(1, 1)).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER', -1])
    expect(await codeAndOffset(0, 1)).toEqual(['NONE', 1])
    expect(await codeAndOffset(1, 0)).toEqual(['INVALID_PRODUCER_EPOCH', -1])
    expect(scene.endOffset()).toBe(2)
  })

  test('goes on after 2^31 - 1 with 0', async () => {
    expect(await codeAndOffset(2 ** 31 - 1)).toEqual(['NONE', 0])
    expect(await codeAndOffset(0)).toEqual(['NONE', 1])
  })
})
