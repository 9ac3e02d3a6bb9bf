// npm run chaos -- soak [--minutes 30] [--sample-seconds 10] [--keep]   mixed load on one broker: is all of it flat?
//
// One `sluice dev` process on disk; beside it, at a modest rate: producers in every codec (our client, kafkajs), HTTP
// produce as JSON and raw, readers of events that are cut off, groups whose members come, leave and are cut off,
// groups and topics that are made and deleted, configs that change, a compacted table. Retention and rolling go on
// all the time. Verdict: memory and descriptors flat over the second half (soak/verdict.ts says how), no error line
// in the broker's log, nothing lost; exit status 1 otherwise. Runs under ten minutes judge caches that are still
// filling. --keep leaves the data folder.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Admin } from '@sluice/core/kafka-client/admin'
import { audit } from './soak/auditor.ts'
import { type Sample, SoakBroker } from './soak/broker.ts'
import { writeTable } from './soak/compacted.ts'
import { kafkajsGroup, ourGroup, passingGroups } from './soak/groups.ts'
import { produceOverHttp, readEvents, readPages } from './soak/http.ts'
import { produceWithKafkajs, produceWithOurs } from './soak/producers.ts'
import { type Actor, audited, partitionCount, Soak } from './soak/soak.ts'
import { changingConfigs, passingTopics } from './soak/topics.ts'
import { header, judge, row } from './soak/verdict.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'sample-seconds': { type: 'string', default: '10' },
    keep: { type: 'boolean', default: false },
  },
})
const durationMs = Number(options.minutes) * 60_000
const sampleMs = Number(options['sample-seconds']) * 1000
const shownEachMs = 60_000
/** How long readers may take to come to the end. */
const drainMs = 30_000

/** Everything that happens at intervals happens often. */
const overrides = {
  'log.retention.check.interval.ms': '10000',
  'log.cleaner.backoff.ms': '5000',
  'offsets.topic.num.partitions': '4',
  'offsets.retention.check.interval.ms': '20000',
  'group.initial.rebalance.delay.ms': '100',
}
/**
 * By size where there is much, by time where there is little: each partition has its greatest number of segments
 * within six minutes, whatever the machine, and from then on segments go as fast as they come. Each segment costs three
 * descriptors (log and two indexes stay open, OpenFiles), so before that their number rises by design.
 */
const retention: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [audited.ours]: { 'segment.bytes': '1048576', 'retention.bytes': '4194304' },
  [audited.kafkajs]: { 'segment.ms': '60000', 'retention.ms': '120000' },
  [audited.http]: { 'segment.ms': '60000', 'retention.ms': '120000' },
}

const writers: Readonly<Record<string, Actor>> = {
  produceWithOurs,
  produceWithKafkajs,
  produceOverHttp,
  readPages,
  ourGroup,
  kafkajsGroup,
  passingGroups,
  passingTopics,
  changingConfigs,
  writeTable,
}
const readers: Readonly<Record<string, Actor>> = { audit, readEvents }

function run(soak: Soak, actors: Readonly<Record<string, Actor>>): Promise<unknown> {
  const running = Object.entries(actors).map(([name, act]) =>
    act(soak).catch((error: Error) => soak.ledger.violation(`${name}: ${error.stack ?? error}`)),
  )
  return Promise.all(running)
}

async function createTopics(soak: Soak): Promise<void> {
  const client = soak.newClient('soak')
  const topics = Object.entries(retention).map(([name, configs]) => ({
    ...{ name, partitionCount, configs },
  }))
  for (const { name, error } of await new Admin(client).createTopics(topics)) {
    if (error !== 0) throw new Error(`create ${name}: error ${error}`)
  }
  client.close()
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

/** A sample every now and then, until the time is up or the run is interrupted. */
async function watch(broker: SoakBroker): Promise<Sample[]> {
  const samples: Sample[] = []
  const endMs = performance.now() + durationMs
  let shownMs = Number.NEGATIVE_INFINITY
  let interrupted = false
  process.once('SIGINT', () => {
    interrupted = true
  })
  console.log(header)
  while (performance.now() < endMs && !interrupted) {
    await pause(sampleMs)
    const sample = await broker.sample()
    samples.push(sample)
    if (performance.now() - shownMs < shownEachMs) continue
    shownMs = performance.now()
    console.log(row(sample))
  }
  return samples
}

async function drain(soak: Soak): Promise<void> {
  const deadline = performance.now() + drainMs
  while (soak.ledger.outstanding > 0 && performance.now() < deadline) await pause(200)
}

const home = mkdtempSync(join(tmpdir(), 'sluice-soak-'))
const broker = await SoakBroker.start(home, overrides)
const soak = new Soak(broker)
await createTopics(soak)
await broker.sample()
const reading = run(soak, readers)
const writing = run(soak, writers)
const samples = await watch(broker)
soak.stopWriters()
await writing
await drain(soak)
soak.stopReaders()
await reading
soak.ledger.close()
const status = await broker.stop()
if (options.keep) console.log(`data: ${home}`)
else rmSync(home, { recursive: true, force: true })

const judged = judge(samples)
for (const { text } of judged) console.log(text)
const mean = samples.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0) / samples.length
const { ledger } = soak
console.log(
  `${ledger.acknowledgedCount} records acknowledged, ${ledger.readCount} read; ${mean.toFixed(1)} % of a core; ` +
    `${broker.warnings.length} warnings, ${broker.errorLines.length} error lines, exit status ${status}`,
)
for (const warning of new Set(broker.warnings.map((line) => line.replace(/"time":\d+,/, '')))) {
  console.log(`warning: ${warning}`)
}
const problems = [
  ...judged.filter(({ flat }) => !flat).map(({ field }) => `${field} grows`),
  ...broker.errorLines.map((line) => `in the log: ${line}`),
  ...ledger.violations,
  ...(status === 0 ? [] : [`the broker ended with ${status}`]),
]
for (const problem of problems) console.log(`FAILED: ${problem}`)
console.log(problems.length === 0 ? 'soak: passed' : `soak: ${problems.length} problems`)
process.exit(problems.length === 0 ? 0 : 1)
