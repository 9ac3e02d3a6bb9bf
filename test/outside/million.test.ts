// The main job on real input: a file of 1,000,000 lines goes into one partition and comes out identical, by every
// writer and reader that a user would reach for, each codec at least once.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { driverCommand } from './drivers.ts'
import { classPath, toolClass } from './kafka/apache.ts'
import { sluiceCommand, startTarget, type Target } from './target.ts'

const lineCount = 1_000_000
const folder = mkdtempSync(join(tmpdir(), 'sluice-million-'))
const file = join(folder, 'lines')

let target: Target
let expected: string

beforeAll(async () => {
  await writeLines()
  expected = await sha256(createReadStream(file))
  target = await startTarget()
}, 120_000)
afterAll(async () => {
  await target?.stop()
  target?.remove()
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

/** Debian's package descriptions, empty lines left out, repeated until there are enough. */
async function writeLines(): Promise<void> {
  const out = createWriteStream(file)
  let written = 0
  while (written < lineCount) {
    const before = written
    const child = spawn('apt-cache', ['dumpavail'], { stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === '' || written === lineCount) continue
      written++
      if (!out.write(`${line}\n`))
        await new Promise<void>((done) => out.once('drain', () => done()))
    }
    if (written === before) throw new Error('apt-cache dumpavail is empty: run apt-get update')
  }
  await new Promise<void>((done) => out.end(() => done()))
}

async function sha256(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of stream) hash.update(bytes)
  return hash.digest('hex')
}

type Command = (topic: string) => readonly string[]

/** Each takes the file on standard input. */
const writers: Record<string, Command> = {
  'sluice, none': (topic) => sluiceProduce(topic, 'none'),
  'sluice, zstd': (topic) => sluiceProduce(topic, 'zstd'),
  'kcat, lz4': (topic) => kcatProduce(topic, 'lz4'),
  'kcat, snappy': (topic) => kcatProduce(topic, 'snappy'),
  'kafkajs, gzip': (topic) =>
    driverCommand('kafkajs', 'produce', {
      ...{ bootstrap: target.bootstrap, topic, codec: 'gzip', raw: true },
    }),
}

/** Each prints the values, a line each. */
const readers: Record<string, Command> = {
  sluice: (topic) => [
    ...sluiceCommand,
    ...['consume', topic, '--bootstrap', target.bootstrap, '--from-beginning'],
    ...['--max', String(lineCount)],
  ],
  kcat: (topic) => [
    ...['kcat', '-C', '-q', '-b', target.bootstrap, '-t', topic, '-p', '0', '-o', 'beginning'],
    ...['-c', String(lineCount), '-X', 'check.crcs=true'],
  ],
  kafkajs: (topic) => rawConsume('kafkajs', topic),
  platformatic: (topic) => rawConsume('platformatic', topic),
  confluent: (topic) => rawConsume('confluent', topic),
  'Apache console consumer': (topic) => [
    ...['java', '-Xmx512m', '-cp', classPath, toolClass['kafka-console-consumer']],
    ...['--bootstrap-server', target.bootstrap, '--topic', topic, '--partition', '0'],
    ...['--from-beginning', '--max-messages', String(lineCount)],
  ],
  curl: (topic) => [
    ...['curl', '-sS', '--fail', '-H', 'Accept: text/plain'],
    `http://${target.bootstrap}/v1/topics/${topic}/records?from=earliest`,
  ],
}

function sluiceProduce(topic: string, codec: string): string[] {
  const config = ['-X', `compression.type=${codec}`]
  return [...sluiceCommand, 'produce', topic, '--bootstrap', target.bootstrap, ...config]
}

function kcatProduce(topic: string, codec: string): string[] {
  return ['kcat', '-P', '-b', target.bootstrap, '-t', topic, '-p', '0', '-z', codec]
}

function rawConsume(client: 'kafkajs' | 'platformatic' | 'confluent', topic: string): string[] {
  return driverCommand(client, 'consume', {
    ...{ bootstrap: target.bootstrap, topics: topic, max: lineCount, raw: true, timeout: 110_000 },
  })
}

/** A topic's name cannot hold what a writer's name may. */
function topicOf(writer: string): string {
  return `million.${writer.replace(', ', '.')}`
}

describe('1,000,000 lines', () => {
  for (const [writer, command] of Object.entries(writers)) {
    test(`${writer} writes them`, { timeout: 120_000 }, async () => {
      const [program, ...args] = command(topicOf(writer))
      const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] })
      createReadStream(file).pipe(child.stdin)
      expect(await new Promise((done) => child.on('close', done))).toBe(0)
    })
  }

  for (const [reader, command] of Object.entries(readers)) {
    for (const writer of Object.keys(writers)) {
      test(`${reader} reads what ${writer} wrote`, { timeout: 120_000 }, async () => {
        const [program, ...args] = command(topicOf(writer))
        const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
        const ended = new Promise((done) => child.on('close', done))
        expect(await sha256(child.stdout)).toBe(expected)
        expect(await ended).toBe(0)
      })
    }
  }
})
