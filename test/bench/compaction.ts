// What a compaction costs: time, CPU and memory for a log of many keys.
//
//   npm run bench -- compaction [--keys 10000000] [--rounds 2] [--map-mb 128] [--folder DIR]
//
// Writes each key once a round, in an order of its own, some 90 bytes a record, and compacts until the log is
// clean: in several passes where the map (log.cleaner.dedupe.buffer.size) does not hold all keys. Meanwhile a
// timer of 1 ms tells how long the event loop was held up.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { silentLogger } from '../../packages/core/src/host/logger.ts'
import { NodeClock } from '../../packages/core/src/host/node/clock.ts'
import { NodeDisk } from '../../packages/core/src/host/node/disk.ts'
import { NodeRandom } from '../../packages/core/src/host/node/random.ts'
import { Throttle } from '../../packages/core/src/lib/throttle.ts'
import { Log } from '../../packages/core/src/log/log.ts'
import { newLogResources } from '../../packages/core/src/log/resources.ts'
import { readBatchHeader } from '../../packages/protocol/src/records/batch.ts'
import { encodeBatch } from '../../packages/protocol/src/records/record.ts'
import { residentMegabytes } from '../lib/process-figures.ts'

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '2' },
    'map-mb': { type: 'string', default: '128' },
    folder: { type: 'string' },
  },
})
const keys = Number(values.keys)
const rounds = Number(values.rounds)
const recordsEach = 100
/** Without a common divisor with most numbers of keys: each round goes through them in another order. */
const stride = 7_368_787
const root = mkdtempSync(join(values.folder ?? tmpdir(), 'sluice-bench-compaction-'))
const clock = new NodeClock()

const config = {
  segmentBytes: 32 * 2 ** 20,
  segmentMs: Number.POSITIVE_INFINITY,
  segmentJitterMs: 0,
  indexIntervalBytes: 4096,
  indexMaxBytes: 10 * 2 ** 20,
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
  flushMessages: Number.POSITIVE_INFINITY,
  flushMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: 1_048_588,
  dedupWindowMs: 0,
  dedupEntriesMax: 0,
  cleanupPolicy: { delete: false, compact: true },
  minCleanableRatio: 0,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
  deleteRetentionMs: 86_400_000,
}

function batchFrom(first: number, round: number) {
  const records = Array.from({ length: recordsEach }, (_, i) => ({
    timestamp: clock.now(),
    key: Buffer.from(`customer-${((first + i) * stride + round) % keys}`),
    value: Buffer.alloc(70, round + 97),
  }))
  const bytes = encodeBatch({ records })
  return { records: bytes, batches: [readBatchHeader(bytes, 0)] }
}

/** The longest the event loop was not free, in milliseconds. */
function watchLoop() {
  const delays: number[] = []
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    delays.push(now - last - 1)
    last = now
  }, 1)
  return () => {
    clearInterval(timer)
    delays.sort((a, b) => a - b)
    const at = (share: number) => delays[Math.floor((delays.length - 1) * share)]?.toFixed(1)
    return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`
  }
}

const log = await Log.open({
  clock,
  random: new NodeRandom(),
  disk: new NodeDisk(root),
  logger: silentLogger,
  folder: '.',
  topic: 't',
  topicId: 'AAAAAAAAAAAAAAAAAAAAAg',
  partition: 0,
  config: () => config,
  recoveryPoint: 0,
  startOffset: 0,
  firstDirtyOffset: 0,
  cleanShutdown: false,
  producerExpirationMs: () => 86_400_000,
  resources: newLogResources(),
  checkpoints: {
    saveRecoveryPoints: async () => {},
    saveStartOffsets: async () => {},
    saveFirstDirtyOffsets: async () => {},
  },
  onFailure: (error) => {
    throw error
  },
})
try {
  for (let round = 0; round < rounds; round++) {
    for (let first = 0; first < keys; first += recordsEach) {
      await log.append([batchFrom(first, round)], 0)
      if (first % (recordsEach * 1000) === 0) await new Promise((done) => setImmediate(done))
    }
  }
  // So that all of it can be cleaned, the last segment aside.
  await log.flush()
  const before = residentMegabytes(process.pid).now
  console.log(
    `${keys} keys, ${rounds} rounds, ` +
      `${(log.sizeBytes / 2 ** 30).toFixed(2)} GiB in ${log.segmentCount} segments, ` +
      `map ${values['map-mb']} MiB, resident ${before.toFixed(0)} MB before`,
  )
  const throttle = new Throttle(clock, () => Number.MAX_VALUE)
  let rssMax = before
  const sampling = setInterval(() => {
    rssMax = Math.max(rssMax, residentMegabytes(process.pid).now)
  }, 200)
  for (let pass = 1; ; pass++) {
    const range = await log.cleaning.range(log.endOffset)
    if (range === undefined || range.dirtyBytes === 0) break
    const cpu = process.cpuUsage()
    const startMs = performance.now()
    const loop = watchLoop()
    const result = await log.cleaning.clean(range, {
      clock,
      throttle,
      mapBytes: Number(values['map-mb']) * 2 ** 20,
      mapLoadFactor: 0.9,
      bufferBytes: 256 * 1024,
    })
    const seconds = (performance.now() - startMs) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(2)
    console.log(
      `pass ${pass}: ${seconds.toFixed(1)} s, CPU ${((user + system) / 1e6).toFixed(1)} s, ` +
        `read ${gib(result.bytesRead)} GiB, ` +
        `wrote ${gib(result.bytesWritten)} GiB, up to ${result.endOffset}, ` +
        `map ${(result.mapUtilization * 100).toFixed(0)} % full; ` +
        `loop held up ${loop()}`,
    )
  }
  clearInterval(sampling)
  console.log(
    `left ${(log.sizeBytes / 2 ** 30).toFixed(2)} GiB in ${log.segmentCount} segments; ` +
      `resident ${rssMax.toFixed(0)} MB at most, ` +
      `${(rssMax - before).toFixed(0)} MB more than before`,
  )
} finally {
  await log.close()
  rmSync(root, { recursive: true, force: true })
}
