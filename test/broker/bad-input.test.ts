import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { requestFrame } from '@sluice/protocol/frame'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { TestBroker, type TestClient } from './test-broker.ts'

let running: TestBroker
let client: TestClient
let lines: string[]

async function start(config: Record<string, string> = {}) {
  lines = []
  const say = (_fields: object, message: string) => lines.push(message)
  const logger = { debug() {}, info() {}, warn: say, error: say }
  running = await TestBroker.start({ config, logger })
  client = await running.connect()
}

beforeEach(() => start())
afterEach(() => running.close())

/** The broker goes on for others. */
async function expectServing() {
  const other = await running.connect()
  expect((await other.send(apis.apiVersions, 3, software)).errorCode).toBe(0)
  expect(lines.filter((line) => line.includes('a request failed'))).toEqual([])
  other.close()
}

const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }

function header(apiKey: number, version: number): Buffer {
  const frame = Buffer.alloc(4 + 2 + 2 + 4 + 2)
  frame.writeInt32BE(frame.length - 4, 0)
  frame.writeInt16BE(apiKey, 4)
  frame.writeInt16BE(version, 6)
  frame.writeInt32BE(1, 8)
  frame.writeInt16BE(-1, 12)
  return frame
}

describe('The connection is closed, as in Kafka,', () => {
  const cases: Record<string, Buffer> = {
    'by a frame above socket.request.max.bytes': Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]),
    'by a frame of negative size': Buffer.from([0xff, 0xff, 0xff, 0xff]),
    'by HTTP': Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    'by TLS': Buffer.from('16030100c8010000c403035f', 'hex'),
    'by a frame too short for a header': Buffer.from([0, 0, 0, 1, 7]),
    'by an empty frame': Buffer.from([0, 0, 0, 0]),
    'by an unknown API': header(999, 0),
    'by an API that is not served': header(52, 0),
    'by a version above what is served': header(3, 99),
    'by a version below what is served': header(0, 2),
    'by a negative version': header(3, -1),
    'by a body that is cut off': header(2, 1),
    'by an array longer than its frame': metadataFrame(Buffer.from([0x7f, 0, 0, 0])),
  }
  for (const [name, bytes] of Object.entries(cases)) {
    test(name, async () => {
      client.write(bytes)
      await client.closed
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(/^connection closed: /)
      await expectServing()
    })
  }
})

/** Metadata v1 with the given bytes for its body. */
function metadataFrame(body: Buffer): Buffer {
  const frame = Buffer.concat([header(3, 1), body])
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

test('ApiVersions of the future is answered in version 0, and the connection goes on', async () => {
  const frame = requestFrame(apis.apiVersions, 5, 7, 'test', software)[0]
  frame.writeInt16BE(99, 6)
  const answer = await client.sendRaw(frame)
  expect(answer.readInt32BE(0)).toBe(7)
  expect(errorName(answer.readInt16BE(4))).toBe('UNSUPPORTED_VERSION')
  expect(answer.readInt32BE(6)).toBe(1)
  expect(answer.readInt16BE(10)).toBe(apis.apiVersions.key)
  expect((await client.send(apis.apiVersions, 3, software)).errorCode).toBe(0)
})

test('requests before the bad one are carried out', async () => {
  await running.createTopic('orders')
  const produced = client.produce('orders', ['kept']).catch(() => {})
  client.write(header(999, 0))
  await Promise.all([produced, client.closed])
  await expect
    .poll(() => running.broker.partitions.get('orders', 0)?.log.endOffset)
    .toBeLessThanOrEqual(1)
  await expectServing()
})

test('a frame may come byte by byte', async () => {
  const frame = Buffer.concat(requestFrame(apis.apiVersions, 0, 1, 'slow', {}))
  const answer = client.sendRaw(frame.subarray(0, 1))
  for (let i = 1; i < frame.length; i++) client.write(frame.subarray(i, i + 1))
  expect((await answer).readInt32BE(0)).toBe(1)
})

test('random bytes never stop the broker', async () => {
  await running.createTopic('orders')
  const valid = [
    requestFrame(apis.metadata, 12, 1, 'fuzz', { topics: null }),
    requestFrame(apis.fetch, 12, 2, 'fuzz', {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        {
          topic: 'orders',
          partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
        },
      ],
      forgottenTopicsData: [],
    }),
    requestFrame(apis.createTopics, 7, 3, 'fuzz', { topics: [] }),
  ].map((buffers) => Buffer.concat(buffers))
  const mutated = fc
    .record({
      frame: fc.constantFrom(...valid),
      edits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
    })
    .map(({ frame, edits }) => {
      const bytes = Buffer.from(frame)
      for (const [at, value] of edits) bytes[4 + (at % (bytes.length - 4))] = value
      return bytes
    })
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => {
    const frame = Buffer.concat([Buffer.alloc(4), bytes])
    frame.writeInt32BE(bytes.length, 0)
    return frame
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated, noise), async (bytes) => {
      const victim = await running.connect()
      const answered = victim.sendRaw(bytes).then(
        () => {},
        () => {},
      )
      await Promise.race([answered, victim.closed, turns(20)])
      victim.close()
    }),
    { numRuns: 300 },
  )
  await expectServing()
})

test('connections over the limits are closed, the others stay', async () => {
  await running.close()
  await start({ 'max.connections.per.ip': '2' })
  const second = await running.connect()
  const third = await running.connect()
  await third.closed
  expect((await client.send(apis.apiVersions, 0, {})).errorCode).toBe(0)
  expect((await second.send(apis.apiVersions, 0, {})).errorCode).toBe(0)
  second.close()
  await expect
    .poll(async () => {
      const fourth = await running.connect()
      return fourth.send(apis.apiVersions, 0, {}).then(
        ({ errorCode }) => errorCode,
        () => 'closed',
      )
    })
    .toBe(0)
})

test('an idle connection is closed, one that waits for an answer is not', async () => {
  await running.createTopic('orders')
  const waits = await running.connect()
  const request = { partitions: [0], maxWaitMs: 3_600_000 }
  const waiting = waits.send(apis.fetch, 12, fetchRequestOf(request))
  await expect.poll(() => running.broker.purgatory.size).toBe(1)
  running.clock.advance(600_001)
  await client.closed
  const producer = await running.connect()
  await producer.produce('orders', ['still here'])
  expect((await waiting).responses).toHaveLength(1)
})

function turns(count: number): Promise<void> {
  return new Promise((resolve) => {
    const next = (left: number) => (left === 0 ? resolve() : setImmediate(() => next(left - 1)))
    next(count)
  })
}
