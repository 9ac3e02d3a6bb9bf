// Sluice beside Apache Kafka 4.2.0 in one run, with Kafka's own perf tools: throughput, CPU s/GiB, latency, memory.
//
//   npm run bench -- versus-kafka [--rounds 5] [--megabytes 400] [--sizes 100,1024,10240] [--batches 16384,131072]
//                                 [--codecs none,lz4] [--only produce|throughput|latency|first-minute]
//                                 [--rates 1000,5000] [--latency-seconds 10] [--touch-gigabytes 8]
//
// All of it (--codecs none,lz4) is some 400 runs of Java tools and takes an hour. In some 12 minutes go
// `--rounds 3 --megabytes 60 --codecs none,lz4 --latency-seconds 4 --touch-gigabytes 2`.
//
// Both brokers stand for the whole run, RF 1, acks=all, no forced flush, data on the same disk. In each round both
// are measured, in the order A B, then B A. Processor seconds are the broker's own, from /proc. `first-minute`
// starts both anew in each round and measures what they do first.
//
// A virtual machine gets its memory from the host page by page, when it touches it first, at several microseconds
// a page: whoever writes to the page cache first would pay for it. So a file is written and removed before.

import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Admin } from '@sluice/core/kafka-client/admin'
import { cpuSeconds, median, range, residentMegabytes } from '../lib/process-figures.ts'
import { runTool, startApacheKafka } from '../outside/kafka/apache.ts'
import { freePort, startSluice } from '../outside/target.ts'
import { newClient } from '../processes/loads.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    megabytes: { type: 'string', default: '400' },
    sizes: { type: 'string', default: '100,1024,10240' },
    batches: { type: 'string', default: '16384,131072' },
    codecs: { type: 'string', default: 'none' },
    only: { type: 'string' },
    rates: { type: 'string', default: '1000,5000' },
    'latency-seconds': { type: 'string', default: '10' },
    'touch-gigabytes': { type: 'string', default: '8' },
  },
})
const rounds = Number(options.rounds)
const latencySeconds = Number(options['latency-seconds'])
const numbers = (list: string) => list.split(',').map(Number)

interface Contender {
  name: 'sluice' | 'kafka'
  bootstrap: string
  port: number
  pid: number
}

interface Figures {
  megabytesPerSecond: number
  cpuSecondsPerGib: number
}

interface Load {
  recordBytes: number
  batchBytes: number
  codec: string
}

let topicNumber = 0

function recordsOf({ recordBytes }: Load): number {
  return Math.ceil((Number(options.megabytes) * 1e6) / recordBytes)
}

async function tool(...[name, args]: Parameters<typeof runTool>): Promise<string> {
  const result = await runTool(name, args, { timeoutMs: 300_000, heap: '1g' })
  if (result.status !== 0) throw new Error(`${name}: ${result.stderr}${result.stdout}`)
  return result.stdout
}

/** Runs `work` and relates what the broker used to the bytes it moved. */
async function measured(
  contender: Contender,
  load: Load,
  work: () => Promise<number>,
): Promise<Figures> {
  const before = cpuSeconds(contender.pid)
  const megabytesPerSecond = await work()
  const used = cpuSeconds(contender.pid) - before
  const gib = (recordsOf(load) * load.recordBytes) / 2 ** 30
  return { megabytesPerSecond, cpuSecondsPerGib: used / gib }
}

/** Topics are made and deleted by our client: Kafka's tool takes seconds to start. */
async function asAdmin(
  { port }: Contender,
  work: (admin: Admin) => Promise<readonly { name: string; error: number }[]>,
): Promise<void> {
  const client = newClient(port)
  const results = await work(new Admin(client)).finally(() => client.close())
  for (const { name, error } of results) if (error !== 0) throw new Error(`${name}: error ${error}`)
}

async function createTopic(contender: Contender): Promise<string> {
  const name = `bench-${topicNumber++}`
  await asAdmin(contender, (admin) => admin.createTopics([{ name, partitionCount: 1 }]))
  return name
}

async function deleteTopic(contender: Contender, topic: string): Promise<void> {
  await asAdmin(contender, (admin) => admin.deleteTopics([topic]))
}

function producerArgs(
  contender: Contender,
  topic: string,
  load: Load,
  perSecond: number,
): string[] {
  const properties = [`batch.size=${load.batchBytes}`, `compression.type=${load.codec}`]
  return [
    ...['--topic', topic, '--record-size', String(load.recordBytes)],
    ...['--throughput', String(perSecond), '--bootstrap-server', contender.bootstrap],
    ...['--command-property', 'acks=all', ...properties, 'linger.ms=5'],
  ]
}

async function produceRun(contender: Contender, topic: string, load: Load): Promise<Figures> {
  return measured(contender, load, async () => {
    const args = [
      ...producerArgs(contender, topic, load, -1),
      '--num-records',
      `${recordsOf(load)}`,
    ]
    const said = await tool('kafka-producer-perf-test', args)
    const perSecond = /([\d.]+) records\/sec \([\d.]+ MB\/sec\)(?![\s\S]*records\/sec)/.exec(
      said,
    )?.[1]
    return (Number(perSecond) * load.recordBytes) / 1e6
  })
}

async function consumeRun(contender: Contender, topic: string, load: Load): Promise<Figures> {
  return measured(contender, load, async () => {
    const said = await tool('kafka-consumer-perf-test', [
      ...['--topic', topic, '--num-records', `${recordsOf(load)}`],
      ...['--bootstrap-server', contender.bootstrap, '--timeout', '30000'],
    ])
    const row = said.trim().split('\n').at(-1)!.split(',')
    const fetchSeconds = Number(row[7]) / 1_000
    return (Number(row[4]) * load.recordBytes) / 1e6 / fetchSeconds
  })
}

async function compare(pair: Contender[], load: Load): Promise<void> {
  const produced: Record<string, Figures[]> = { sluice: [], kafka: [] }
  const consumed: Record<string, Figures[]> = { sluice: [], kafka: [] }
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? pair : pair.toReversed()) {
      const topic = await createTopic(contender)
      produced[contender.name].push(await produceRun(contender, topic, load))
      if (options.only !== 'produce') {
        consumed[contender.name].push(await consumeRun(contender, topic, load))
      }
      await deleteTopic(contender, topic)
    }
  }
  report('produce', load, produced)
  if (options.only !== 'produce') report('consume', load, consumed)
}

function report(what: string, load: Load, figures: Record<string, Figures[]>): void {
  const of = (name: string, figure: keyof Figures) => figures[name].map((each) => each[figure])
  const ratios = (figure: keyof Figures) =>
    of('sluice', figure).map((value, i) => value / of('kafka', figure)[i])
  const show = (value: number) => value.toPrecision(3)
  console.log(
    [
      `${what} ${load.recordBytes} B, batch ${load.batchBytes}, ${load.codec}:`,
      `MB/s sluice ${show(median(of('sluice', 'megabytesPerSecond')))}`,
      `kafka ${show(median(of('kafka', 'megabytesPerSecond')))}`,
      `ratio ${show(median(ratios('megabytesPerSecond')))} (${range(ratios('megabytesPerSecond'))});`,
      `CPU s/GiB sluice ${show(median(of('sluice', 'cpuSecondsPerGib')))}`,
      `kafka ${show(median(of('kafka', 'cpuSecondsPerGib')))}`,
      `ratio ${show(median(ratios('cpuSecondsPerGib')))} (${range(ratios('cpuSecondsPerGib'))})`,
    ].join(' '),
  )
}

/** Latency at a fixed rate, as Kafka's producer saw it. */
async function latency(pair: Contender[], perSecond: number): Promise<void> {
  const load: Load = { recordBytes: 1024, batchBytes: 16384, codec: 'none' }
  const seen: Record<string, number[][]> = { sluice: [], kafka: [] }
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? pair : pair.toReversed()) {
      const topic = await createTopic(contender)
      const args = producerArgs(contender, topic, load, perSecond).map((arg) =>
        arg === 'linger.ms=5' ? 'linger.ms=0' : arg,
      )
      const said = await tool('kafka-producer-perf-test', [
        ...[...args, '--num-records', String(perSecond * (3 + latencySeconds))],
        ...['--warmup-records', String(perSecond * 3)],
      ])
      const last = said.trim().split('\n').at(-1)!
      const of = (percentile: string) =>
        Number(new RegExp(`(\\d+) ms ${percentile}`).exec(last)?.[1])
      seen[contender.name].push(['50th', '99th', '99.9th'].map(of))
      await deleteTopic(contender, topic)
    }
  }
  for (const { name } of pair) {
    const [p50, p99, p999] = [0, 1, 2].map((i) => seen[name].map((each) => each[i]))
    console.log(
      `latency at ${perSecond} rec/s of 1 KiB, ${name}: p50 ${median(p50)} ms, ` +
        `p99 ${median(p99)} (${range(p99)}) ms, p99.9 ${median(p999)} (${range(p999)}) ms`,
    )
  }
}

/** The page cache takes `gigabytes`, so that the machine has the memory for what follows. */
function touchMemory(gigabytes: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-touch-'))
  const file = openSync(join(folder, 'touched'), 'w')
  const block = Buffer.alloc(1e6, 1)
  for (let written = 0; written < gigabytes * 1e9; written += block.length) writeSync(file, block)
  closeSync(file)
  rmSync(folder, { recursive: true })
}

/** Runs `work` with both brokers, started for it. */
async function withBoth(work: (pair: Contender[]) => Promise<void>): Promise<void> {
  const [kafkaPort, sluicePort] = [await freePort(), await freePort()]
  const kafka = await startApacheKafka(kafkaPort)
  const sluice = await startSluice(sluicePort)
  try {
    await work([
      { name: 'sluice', bootstrap: sluice.bootstrap, port: sluicePort, pid: sluice.pid },
      { name: 'kafka', bootstrap: kafka.bootstrap, port: kafkaPort, pid: kafka.pid },
    ])
  } finally {
    await Promise.allSettled([sluice.stop(), kafka.stop()])
    sluice.remove()
    kafka.remove()
  }
}

/** What both do right after their start: nothing is compiled yet. */
async function firstMinute(): Promise<void> {
  const load: Load = { recordBytes: 1024, batchBytes: 16384, codec: 'none' }
  const produced: Record<string, Figures[]> = { sluice: [], kafka: [] }
  for (let round = 0; round < rounds; round++) {
    await withBoth(async (pair) => {
      for (const contender of round % 2 === 0 ? pair : pair.toReversed()) {
        const topic = await createTopic(contender)
        produced[contender.name].push(await produceRun(contender, topic, load))
      }
    })
  }
  report('first minute: produce', load, produced)
}

async function standing(pair: Contender[]): Promise<void> {
  for (const { name, pid } of pair) {
    console.log(`${name}: ${residentMegabytes(pid).now.toFixed(0)} MB resident after the start`)
  }
  if (options.only !== 'latency') {
    // Both warm: the JVM compiles in its first minute, and so does V8.
    const warm = { recordBytes: 1024, batchBytes: 16384, codec: 'none' }
    for (const contender of pair) {
      const topic = await createTopic(contender)
      for (let i = 0; i < 3; i++) await produceRun(contender, topic, warm)
      await deleteTopic(contender, topic)
    }
    for (const codec of options.codecs.split(',')) {
      for (const batchBytes of numbers(options.batches)) {
        for (const recordBytes of numbers(options.sizes)) {
          await compare(pair, { recordBytes, batchBytes, codec })
        }
      }
    }
  }
  if (!options.only || options.only === 'latency') {
    for (const perSecond of numbers(options.rates)) await latency(pair, perSecond)
  }
  for (const { name, pid } of pair) {
    console.log(`${name}: ${residentMegabytes(pid).peak.toFixed(0)} MB resident at most`)
  }
}

touchMemory(Number(options['touch-gigabytes']))
if (options.only !== 'first-minute') await withBoth(standing)
if (!options.only || options.only === 'first-minute') await firstMinute()
