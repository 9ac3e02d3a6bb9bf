// Frames and requests that no client should send. What a broker must do with each was asked of Apache Kafka
// 4.2 on the same bytes: its error code, and the connection closed only where Kafka closes it.

import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { requestFrame } from '@sluice/protocol/frame'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { badRequests } from './bad-requests.ts'
import { answerTo, networks, Scene } from './scene.ts'
import { batchOf } from './test-broker.ts'

const requestBytesMax = 2_000_000

/** A size and what it announces. */
function framed(...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : hex(part))))
  return Buffer.concat([int32(body.length), body])
}

/** A request header of version 1 with correlation id 5 and no client id. */
function header(apiKey: number, version: number): Buffer {
  const bytes = hex('00000000 00000005 ffff')
  bytes.writeInt16BE(apiKey, 0)
  bytes.writeInt16BE(version, 2)
  return bytes
}

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const closing: Record<string, Buffer> = {
  'a frame above socket.request.max.bytes': int32(requestBytesMax + 1),
  'a frame of 2 GiB': int32(2 ** 31 - 1),
  'a negative size': int32(-1),
  'the most negative size': int32(-(2 ** 31)),
  'an empty frame': int32(0),
  'HTTP on a port for Kafka alone': Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  'TLS on a port for Kafka alone': hex('16030100c8010000c403035f'),
  'a frame too short for a header': framed('00'),
  'a header that ends before the client id': framed('0003 0001 00000001'),
  'a client id beyond the frame': framed('0012 0000 00000001 7fff'),
  'an API that does not exist': framed(header(999, 0)),
  'an API with a negative key': framed(header(-1, 0)),
  'an API that Kafka has removed': framed(header(4, 0)),
  'an API among controllers': framed(header(52, 0)),
  'a version older than any served': framed(header(apis.produce.key, 2)),
  'a version newer than any served': framed(header(apis.metadata.key, 99)),
  'a negative version': framed(header(apis.metadata.key, -1)),
  'ApiVersions of the future with a broken header': framed(header(18, 99), 'ffffffffff'),
  'ApiVersions 3 without a body': framed(header(18, 3), '00'),
  'a body that is missing': framed(header(apis.listOffsets.key, 1)),
  'an array beyond the frame': framed(header(3, 1), '000f4240'),
  'an array of 2^31 - 1 elements': framed(header(3, 1), '7fffffff'),
  'a null array where none may be': framed(header(3, 0), 'ffffffff'),
  'a string beyond the frame': framed(header(3, 1), '00000001 7fff 61'),
  'a null string where none may be': framed(header(3, 1), '00000001 fffe'),
  'a compact array beyond the frame': framed(header(3, 9), '00 ff7f'),
  'a tagged field beyond the frame': framed(header(3, 9), '00 01 0101 01 05ff'),
  'a varint without an end': framed(header(3, 9), '00 ffffffffffffffffffff'),
  'records beyond the frame': framed(
    header(0, 3),
    'ffff ffff 000003e8 00000001 0001 61 00000001 00000000 7fffffff',
  ),
}

const answered: Record<string, Buffer> = {
  'bytes behind the body': framed(header(18, 0), 'aabb'),
  'bytes behind the body of a flexible version': framed(header(3, 9), '00 01 01 00 00 00 beef'),
  'a client id of length -2': framed('0012 0000 00000005 fffe'),
  'an array of length -2, which is null': framed(header(3, 1), 'fffffffe'),
  'a boolean that is 2': framed(header(3, 4), '00000000 02'),
  'a topic name that is not UTF-8': framed(header(3, 1), '00000001 0002 c328'),
}

describe.each(networks)('on %s', (_name, makeNetwork) => {
  let scene: Scene
  beforeAll(async () => {
    const config = { 'socket.request.max.bytes': String(requestBytesMax) }
    scene = await Scene.start({ network: makeNetwork(), config })
  })
  afterEach(() => scene.expectCalm())
  afterAll(() => scene.close())

  describe('the connection is closed by', () => {
    test.each(Object.entries(closing))('%s', async (_what, bytes) => {
      const client = await scene.running.connect()
      expect(await answerTo(client, bytes)).toBe('closed')
    })
  })

  describe('an answer comes to', () => {
    test.each(Object.entries(answered))('%s', async (_what, bytes) => {
      const client = await scene.running.connect()
      const answer = await answerTo(client, bytes)
      expect(answer).not.toBe('closed')
      expect((answer as Buffer).readInt32BE(0)).toBe(5)
      expect((await client.send(apis.apiVersions, 0, {})).errorCode).toBe(0)
      client.close()
    })
  })

  test('ApiVersions of the future is told in version 0 what it may ask with', async () => {
    for (const frame of [framed(header(18, 99), '00'), framed(header(18, -1))]) {
      const client = await scene.running.connect()
      const answer = (await answerTo(client, frame)) as Buffer
      expect(errorName(answer.readInt16BE(4))).toBe('UNSUPPORTED_VERSION')
      expect(answer.subarray(6).toString('hex')).toBe(`00000001${'0012'}${'0000'}${'0005'}`)
      expect((await client.send(apis.apiVersions, 5, software)).apiKeys.length).toBeGreaterThan(20)
      client.close()
    }
  })

  test('a Produce cut off at every byte stores nothing', async () => {
    const frame = Buffer.concat(
      requestFrame(apis.produce, 9, 1, 'cut', {
        acks: -1,
        timeoutMs: 1000,
        topicData: [
          { name: 'orders', partitionData: [{ index: 0, records: batchOf(['a', 'b']) }] },
        ],
      }),
    )
    const before = scene.endOffset()
    for (let length = 0; length < frame.length; length++) {
      const client = await scene.running.connect()
      client.write(frame.subarray(0, length))
      client.end()
      await client.closed
    }
    expect(scene.endOffset()).toBe(before)
    const whole = await scene.running.connect()
    await answerTo(whole, frame)
    expect(scene.endOffset()).toBe(before + 2)
    whole.close()
  })

  test('requests before the bad one are carried out', async () => {
    const before = scene.endOffset()
    const client = await scene.running.connect()
    const produced = client.produce('orders', ['kept'], { acks: 1 }).catch(() => 'closed')
    client.write(framed(header(999, 0)))
    await Promise.all([produced, client.closed])
    expect(scene.endOffset()).toBe(before + 1)
  })
})

const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }

describe('Kafka’s code is the answer to', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await Scene.start({ config: { 'auto.create.topics.enable': 'false' } })
    // The first question for a coordinator makes the topic that groups live in.
    const client = await scene.running.connect()
    const coordinator = { key: 'g', keyType: 0 }
    const found = async () => {
      expect((await client.send(apis.findCoordinator, 3, coordinator)).errorCode).toBe(0)
    }
    await vi.waitFor(found, { timeout: 20_000 })
    client.close()
  })
  afterEach(() => scene.expectCalm())
  afterAll(() => scene.close())

  test.each(badRequests)('$name', async ({ ask, errors }) => {
    const before = [scene.endOffset(0), scene.endOffset(1)]
    const topics = scene.running.broker.cluster.image.topicCount
    const client = await scene.running.connect()
    expect(await ask(client)).toEqual(errors)
    expect((await client.send(apis.apiVersions, 0, {})).errorCode).toBe(0)
    expect([scene.endOffset(0), scene.endOffset(1)]).toEqual(before)
    expect(scene.running.broker.cluster.image.topicCount).toBe(topics)
    client.close()
  })
})
