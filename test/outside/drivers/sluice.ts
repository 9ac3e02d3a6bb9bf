// Our own command behind the drivers' common command line (see drivers.ts): its lines of JSON are records with
// all that they hold. It reads a topic a run.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { data, flushPrinted, linesIn, option, options, print } from './line-protocol.ts'

const main = join(resolve(import.meta.dirname, '../../..'), 'packages/sluice/bin/sluice.cjs')
const bootstrap = ['--bootstrap', option('bootstrap')]

async function produce(): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      ...[main, 'produce', option('topic'), ...bootstrap, '--format', 'json', '--json'],
      ...['-X', `compression.type=${options['codec'] ?? 'none'}`],
      ...['-X', `enable.idempotence=${options['idempotent'] ?? 'true'}`],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const said = child.stdout.toArray()
  for await (const records of linesIn(500)) {
    for (const { key, value, ...rest } of records) {
      const line = {
        ...rest,
        ...(key === null ? { key } : { key_b64: key }),
        ...(value === null ? { value } : { value_b64: value }),
        headers: rest.headers.map(([name, bytes]) => [
          name,
          bytes === null ? null : { b64: bytes },
        ]),
      }
      child.stdin.write(`${JSON.stringify(line)}\n`)
    }
  }
  child.stdin.end()
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`sluice produce ended with ${code}`)
  const { records } = JSON.parse(Buffer.concat(await said).toString()) as { records: number }
  process.stdout.write(`${JSON.stringify({ sent: records })}\n`)
}

interface PrintedLine {
  partition: number
  offset: number
  timestamp: number | null
  key?: null
  key_b64?: string
  value?: null
  value_b64?: string
  headers: [string, string | null | { b64: string }][]
}

async function consume(): Promise<void> {
  for (const topic of option('topics').split(',')) await consumeTopic(topic)
}

async function consumeTopic(topic: string): Promise<void> {
  const group = options['group']
  const which = group
    ? ['--group', group, '--max', option('max'), '-X', 'auto.commit.interval.ms=200']
    : ['--until-end']
  const { assignor, instance } = options
  const member = [
    ...(assignor ? ['-X', `partition.assignment.strategy=${assignor}`] : []),
    ...(instance ? ['-X', `group.instance.id=${instance}`] : []),
  ]
  const child = spawn(
    process.execPath,
    [
      ...[main, 'consume', topic, ...bootstrap, '--from-beginning', '--format', 'base64', ...which],
      ...member,
      ...['--timeout', options['timeout'] ?? '30000'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const stop = () => child.kill('SIGTERM')
  process.on('SIGTERM', stop)
  const ended = once(child, 'close')
  for await (const line of createInterface({ input: child.stdout })) {
    const record = JSON.parse(line) as PrintedLine
    print({
      topic,
      partition: record.partition,
      offset: record.offset,
      timestamp: record.timestamp ?? -1,
      key: data(record.key_b64 ?? null),
      value: data(record.value_b64 ?? null),
      headers: record.headers.map(([name, value]): [string, string | null] => [
        name,
        encoded(value),
      ]),
    })
  }
  process.off('SIGTERM', stop)
  const [code] = await ended
  if (code !== 0) throw new Error(`sluice consume ended with ${code}`)
}

function encoded(value: string | null | { b64: string }): string | null {
  if (value === null) return null
  return typeof value === 'string' ? Buffer.from(value).toString('base64') : value.b64
}

await (process.argv[2] === 'produce' ? produce() : consume())
flushPrinted()
