// kcat (Debian's, on an older librdkafka) behind the drivers' common command line (see drivers.ts).
// kcat takes one set of headers a run and prints bytes as text: a run a set of headers, and text values.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { data, type LineRecord, linesIn, option, options, print, text } from './line-protocol.ts'

const keyMark = '\u001f'
const nullMark = ''

async function produce(): Promise<void> {
  const runs = new Map<string, LineRecord[]>()
  let sent = 0
  for await (const records of linesIn(1_000)) {
    for (const record of records) {
      const set = JSON.stringify([record.headers, record.partition ?? -1])
      runs.set(set, [...(runs.get(set) ?? []), record])
    }
    sent += records.length
  }
  for (const [set, records] of runs) await produceRun(JSON.parse(set), records)
  process.stdout.write(`${JSON.stringify({ sent })}\n`)
}

async function produceRun(
  [headers, partition]: [LineRecord['headers'], number],
  records: LineRecord[],
): Promise<void> {
  const args = ['-P', '-b', option('bootstrap'), '-t', option('topic'), '-Z', '-K', keyMark]
  args.push(
    '-z',
    options['codec'] ?? 'none',
    '-X',
    `enable.idempotence=${options['idempotent'] ?? 'true'}`,
  )
  args.push('-X', 'linger.ms=5', '-X', 'client.id=kcat')
  if (partition >= 0) args.push('-p', String(partition))
  for (const [name, value] of headers) args.push('-H', `${name}=${data(value) ?? ''}`)
  const child = spawn('kcat', args, { stdio: ['pipe', 'inherit', 'inherit'] })
  for (const record of records) {
    const key = data(record.key)?.toString() ?? nullMark
    const value = data(record.value)?.toString() ?? nullMark
    child.stdin.write(`${key}${keyMark}${value}\n`)
  }
  child.stdin.end()
  const code = await new Promise((done) => child.on('close', done))
  if (code !== 0) throw new Error(`kcat ended with ${code}`)
}

async function consume(): Promise<void> {
  const most = Number(option('max'))
  const topics = option('topics').split(',')
  const common = ['-b', option('bootstrap'), '-J', '-u', '-q']
  common.push('-X', 'check.crcs=true', '-X', 'client.id=kcat')
  if (options['group']) {
    const config = ['-X', 'auto.offset.reset=earliest', '-X', 'auto.commit.interval.ms=200']
    await consumeRun([...common, ...config, '-G', options['group'], ...topics], most)
    return
  }
  for (const topic of topics) {
    await consumeRun([...common, '-C', '-t', topic, '-o', 'beginning', '-e'], most)
  }
}

interface KcatRecord {
  topic: string
  partition: number
  offset: number
  ts: number
  key: string | null
  payload: string | null
  headers?: string[]
}

async function consumeRun(args: string[], most: number): Promise<void> {
  const child = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGTERM'), Number(options['timeout'] ?? 30_000))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const record = JSON.parse(line) as KcatRecord
    const flat = record.headers ?? []
    print({
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      timestamp: record.ts,
      key: bytes(record.key),
      value: bytes(record.payload),
      headers: flat.flatMap((name, i) =>
        i % 2 === 0 ? [[name, text(bytes(flat[i + 1]))] as [string, string | null]] : [],
      ),
    })
    if (++seen >= most) child.kill('SIGTERM')
  }
  clearTimeout(timer)
}

function bytes(value: string | null): Buffer | null {
  return value === null ? null : Buffer.from(value)
}

await (process.argv[2] === 'produce' ? produce() : consume())
