// What the log costs on the disk of this machine: CPU seconds a GB of append and read, and recovery.
//
//   npm run bench -- log [--mb 1024] [--folder DIR]
//
// Appends one batch a call and eight a call, then reads in 1 MiB reads: what was lately written, from the
// loop, and what is older, on the thread pool. The bare system calls of the same sizes are the floor. Files go to
// a fresh folder below DIR (default: the temporary one) and are removed. CPU is user and system time of the
// whole process.

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { silentLogger } from '../../packages/core/src/host/logger.ts'
import { NodeClock } from '../../packages/core/src/host/node/clock.ts'
import { NodeDisk } from '../../packages/core/src/host/node/disk.ts'
import { NodeRandom } from '../../packages/core/src/host/node/random.ts'
import { type AppendRequest, Log, type LogOptions } from '../../packages/core/src/log/log.ts'
import { newLogResources } from '../../packages/core/src/log/resources.ts'
import { readBatchHeader } from '../../packages/protocol/src/records/batch.ts'
import { encodeBatch } from '../../packages/protocol/src/records/record.ts'

const { values } = parseArgs({
  options: { mb: { type: 'string', default: '1024' }, folder: { type: 'string' } },
})
const root = mkdtempSync(join(values.folder ?? tmpdir(), 'sluice-bench-log-'))
const totalBytes = Number(values.mb) * 2 ** 20
const readBytes = 2 ** 20
const clock = new NodeClock()
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

interface Measure {
  readonly cpuSeconds: number
  readonly seconds: number
}

async function measured(run: () => Promise<void>): Promise<Measure> {
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  await run()
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const used = process.cpuUsage(cpu)
  return { cpuSeconds: (used.user + used.system) / 1e6, seconds }
}

function report(name: string, bytes: number, { cpuSeconds, seconds }: Measure, note = ''): void {
  const gigabytes = bytes / 1e9
  const cpu = (cpuSeconds / gigabytes).toFixed(2)
  const rate = (bytes / 1e6 / seconds).toFixed(0)
  console.log(`${name.padEnd(34)}${cpu.padStart(7)} CPU s/GB${rate.padStart(7)} MB/s  ${note}`)
}

function optionsFor(name: string): LogOptions {
  return {
    clock,
    random: new NodeRandom(),
    disk: new NodeDisk(root),
    logger: silentLogger,
    folder: name,
    topic: name,
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
  }
}

const config = {
  segmentBytes: 2 ** 30,
  segmentMs: Number.POSITIVE_INFINITY,
  segmentJitterMs: 0,
  indexIntervalBytes: 4096,
  indexMaxBytes: 10 * 2 ** 20,
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
  flushMessages: Number.POSITIVE_INFINITY,
  flushMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: 2 ** 20,
  dedupWindowMs: 900_000,
  dedupEntriesMax: 500_000,
  cleanupPolicy: { delete: true, compact: false },
  minCleanableRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
  deleteRetentionMs: 86_400_000,
}

/** A ring of requests in distinct memory, as frames from a socket are. */
function requestsOf(batchBytes: number): AppendRequest[] {
  const valueBytes = Math.min(1024, batchBytes - 80)
  const count = Math.max(1, Math.floor(batchBytes / (valueBytes + 12)))
  return Array.from({ length: 64 }, (_, i) => {
    const value = Buffer.alloc(valueBytes, i)
    const records = encodeBatch({
      records: Array.from({ length: count }, (_, j) => ({ timestamp: j, key: null, value })),
    })
    return { records, batches: [readBatchHeader(records, 0)] }
  })
}

async function appendAll(log: Log, requests: AppendRequest[], perCall: number): Promise<number> {
  let bytes = 0
  for (let call = 0; bytes < totalBytes; call++) {
    const group = Array.from(
      { length: perCall },
      (_, i) => requests[(call * perCall + i) % requests.length],
    )
    const outcomes = log.append(group, 1)
    if (outcomes instanceof Promise) await outcomes
    for (const { records } of group) bytes += records.length
    if (call % 16 === 0) await nextTurn()
  }
  return bytes
}

/** Reads from `from` on; returns the bytes, and how many of the reads went to the thread pool. */
async function readFrom(log: Log, from: number, to: number) {
  let bytes = 0
  let pooled = 0
  for (let offset = from; offset < to; ) {
    const reading = log.read({
      offset,
      maxBytes: readBytes,
      upTo: log.endOffset,
      wholeFirstBatch: true,
    })
    if (reading instanceof Promise) pooled++
    const read = await reading
    if (!read.ok || read.bytes === 0) throw new Error(`nothing at ${offset}`)
    const last = lastBatchIn(read.records)
    offset = last.baseOffset + last.lastOffsetDelta + 1
    bytes += read.bytes
    read.release()
  }
  return { bytes, pooled }
}

function lastBatchIn(records: Buffer) {
  let at = 0
  for (;;) {
    const next = at + 12 + records.readInt32BE(at + 8)
    if (next >= records.length) return readBatchHeader(records, at)
    at = next
  }
}

/** The floor: the system calls alone. */
function bareWrites(name: string, requests: AppendRequest[], bytes: number): Promise<void> {
  const fd = openSync(join(root, name), 'w')
  let at = 0
  for (let i = 0; at < bytes; i++) {
    at += writeSync(fd, requests[i % requests.length].records, 0, undefined, at)
  }
  closeSync(fd)
  return Promise.resolve()
}

function bareReads(name: string, bytes: number): Promise<void> {
  const fd = openSync(join(root, name), 'r')
  const target = Buffer.allocUnsafeSlow(readBytes)
  for (let at = 0; at < bytes; at += readBytes) readSync(fd, target, 0, readBytes, at)
  closeSync(fd)
  return Promise.resolve()
}

async function benchAppend(name: string, requests: AppendRequest[], perCall: number): Promise<Log> {
  const options = optionsFor(name)
  await options.disk.makeFolder(options.folder)
  const log = await Log.open(options)
  let bytes = 0
  const used = await measured(async () => {
    bytes = await appendAll(log, requests, perCall)
  })
  const batches = log.endOffset / (requests[0].batches[0].lastOffsetDelta + 1)
  const micros = ((used.cpuSeconds * 1e6) / batches).toFixed(1)
  report(`  append, ${perCall} a call`, bytes, used, `${micros} us CPU a batch`)
  return log
}

async function benchReads(log: Log): Promise<void> {
  const { endOffset, sizeBytes } = log
  // Inside the window of what is believed to be in the page cache.
  const lately = Math.floor(endOffset * (1 - Math.min(1, (128 * 2 ** 20) / sizeBytes)))
  for (const [name, from, to, times] of [
    ['lately written', lately, endOffset, 4],
    ['older', 0, lately, 1],
  ] as const) {
    let bytes = 0
    let pooled = 0
    const used = await measured(async () => {
      for (let i = 0; i < times; i++) {
        const read = await readFrom(log, from, to)
        bytes += read.bytes
        pooled += read.pooled
      }
    })
    if (bytes > 0) report(`  read, ${name}`, bytes, used, `${pooled} reads on the thread pool`)
  }
}

async function bench(batchBytes: number): Promise<void> {
  const requests = requestsOf(batchBytes)
  const size = batchBytes / 1024
  console.log(`batches of ${size} KiB`)
  report('  bare write', totalBytes, await measured(() => bareWrites('bare', requests, totalBytes)))
  report('  bare read of 1 MiB', totalBytes, await measured(() => bareReads('bare', totalBytes)))
  rmSync(join(root, 'bare'))
  const eight = await benchAppend(`b${size}-8`, requests, 8)
  await eight.detach()
  const one = await benchAppend(`b${size}-1`, requests, 1)
  await benchReads(one)
  // As after a kill: another opens what the first one left.
  let recovered: Log | undefined
  const recovery = await measured(async () => {
    recovered = await Log.open(optionsFor(`b${size}-1`))
  })
  report('  recovery', one.sizeBytes, recovery, `${recovery.seconds.toFixed(2)} s`)
  await recovered?.detach()
  await one.detach().catch(() => {})
}

try {
  for (const batchBytes of [1024, 16 * 1024, 64 * 1024, 128 * 1024]) await bench(batchBytes)
} finally {
  rmSync(root, { recursive: true, force: true })
}
