// The disk of a broker fills up: produce is refused with KAFKA_STORAGE_ERROR, what was acknowledged stays
// readable, also over a kill -9, and with room again all goes on.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { encodeBatch } from '@sluice/protocol/records/record'
import { expect, test } from 'vitest'
import { freePort } from '../lib/free-port.ts'
import { startBroker } from '../sluice/command.ts'
import { History, readTopic } from './history.ts'
import { newClient } from './loads.ts'
import { smallDisks } from './small-disk.ts'

const node = { node: 1 }
/** Newer versions of Produce name topics by id. */
const byName = 12

/** Sends a record of `bytes`; its error. */
async function produce(client: KafkaClient, history: History, value: string, bytes: number) {
  const padded = value.padEnd(bytes, '.')
  history.sends(padded)
  const batch = encodeBatch({
    records: [{ timestamp: Date.now(), key: null, value: Buffer.from(padded) }],
  })
  const partitionData = [{ index: 0, records: batch }]
  const request = { acks: -1, timeoutMs: 5_000, topicData: [{ name: 'full', partitionData }] }
  const { responses } = await client.request(apis.produce, node, request, { maxVersion: byName })
  const { errorCode, baseOffset } = responses[0].partitionResponses[0]
  if (errorCode === 0) history.acknowledges(padded, 0, baseOffset)
  return errorName(errorCode)
}

test.each(smallDisks())(
  '%s refuses what it cannot keep, and nothing else',
  async (kind, make) => {
    using disk = make()
    const port = await freePort()
    const override = ['--override', 'log.segment.bytes=16777216', '--override', 'node.id=1']
    const args = ['dev', '--port', `${port}`, '--data', disk.folder, '--json', ...override]
    const client = newClient(port)
    const history = new History()
    await using first = await startBroker(args)
    const topic = {
      name: 'full',
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }
    await client.request(apis.createTopics, 'controller', { topics: [topic], timeoutMs: 5_000 })

    disk.limit(first.pid)
    let sent = 0
    let error = 'NONE'
    while (error === 'NONE' && sent < 1_000)
      error = await produce(client, history, `${sent++} `, 64_000)
    expect(error).toBe('KAFKA_STORAGE_ERROR')
    expect(history.acknowledged).toBeGreaterThan(10)
    // Small ones may fit into what is left. Whatever the answer, it is true.
    for (let i = 0; i < 50; i++) {
      const answer = await produce(client, history, `${sent++} `, 2_000)
      expect(['NONE', 'KAFKA_STORAGE_ERROR']).toContain(answer)
    }
    expect(history.violations(await readTopic(client, 'full', 1))).toEqual([])

    disk.free(first.pid)
    expect(await produce(client, history, `${sent++} `, 64_000)).toBe('NONE')
    expect(await first.end('SIGKILL')).toBe(null)

    await using second = await startBroker(args)
    expect(await produce(client, history, `${sent++} `, 64_000)).toBe('NONE')
    expect(history.violations(await readTopic(client, 'full', 1))).toEqual([])
    expect(await second.end('SIGTERM')).toBe(0)
    client.close()
    console.log(`disk full (${kind}): ${history.acknowledged} of ${sent} records acknowledged`)
  },
  30_000,
)
