// Every API at every version that the broker serves, one request each whose answer means something. What
// is advertised and has no check here fails the first test: a new handler or version comes with its own.

import { handlers } from '@sluice/broker/handlers/index'
import { apis } from '@sluice/protocol/apis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clusterChecks } from './every-version/cluster.ts'
import { Ground } from './every-version/ground.ts'
import { groupChecks } from './every-version/groups.ts'
import { recordChecks } from './every-version/records.ts'
import { topicChecks } from './every-version/topics.ts'
import { answerTo } from './scene.ts'

const checks = [...recordChecks, ...groupChecks, ...topicChecks, ...clusterChecks].sort(
  (one, other) => one.key - other.key,
)

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})
beforeEach(() => ground.reconnect())
afterAll(() => ground.close())

/** Produce is served from 3 on, but some librdkafka need to see 0 (KAFKA-18659); Kafka 4 has no ListOffsets v0. */
const advertisedMin = new Map([
  [apis.produce.key, 0],
  [apis.listOffsets.key, 1],
])

test('all that is advertised has its check, and nothing else', async () => {
  const served = handlers.map(({ api: { key, name }, versions }) => ({ key, name, versions }))
  expect(checks.map(({ key, name, versions }) => ({ key, name, versions }))).toEqual(served)
  const { apiKeys } = await ground.client.send(apis.apiVersions, 0, {})
  expect(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion])) //
    .toEqual(
      checks.map(({ key, versions: { min, max } }) => [key, advertisedMin.get(key) ?? min, max]),
    )
})

describe.each(checks)('$name', ({ versions: { min, max }, run }) => {
  const versions = Array.from({ length: max - min + 1 }, (_, i) => min + i)
  test.each(versions)('v%i', (version) => run(ground, version))
})

describe('versions that are not served', () => {
  const answerAt = async (key: number, version: number) => {
    const client = await ground.server.connect()
    // No client id, and no tags where the header may have some.
    const frame = Buffer.from([0, 0, 0, 11, 0, key, 0, version, 0, 0, 0, 1, 0xff, 0xff, 0])
    const answer = await answerTo(client, frame)
    client.close()
    return answer
  }

  test.each([0, 1, 2])('Produce v%i, though advertised, ends the connection', async (version) => {
    expect(await answerAt(apis.produce.key, version)).toBe('closed')
  })

  test('one beyond the last ends the connection; of ApiVersions it says what there is', async () => {
    for (const { key, versions } of checks) {
      const answer = await answerAt(key, versions.max + 1)
      if (key !== apis.apiVersions.key) expect([key, answer]).toEqual([key, 'closed'])
      else expect((answer as Buffer).readInt16BE(4)).toBe(35)
    }
  })
})
