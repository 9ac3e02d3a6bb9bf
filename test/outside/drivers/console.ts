// Apache's console producer and console consumer behind the drivers' common command line (see drivers.ts). They
// know records as text between separators: keys, values and headers that are text, null as a word of one's own.
// The producer leaves partition and timestamp to its client.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { classPath, toolClass } from '../kafka/apache.ts'
import { ToolServer } from '../kafka/tool-server.ts'
import {
  data,
  flushPrinted,
  type LineRecord,
  linesIn,
  option,
  options,
  print,
} from './line-protocol.ts'

const nullWord = '<null>'
const separators = { field: '\u001f', header: '\u001e', headerValue: '\u001d' }
const bootstrap = ['--bootstrap-server', option('bootstrap')]

function properties(flag: string, values: Record<string, string>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`])
}

async function produce(): Promise<void> {
  await using tools = new ToolServer()
  const lines: string[] = []
  for await (const records of linesIn(500)) lines.push(...records.map(lineOf))
  const { status, stdout, stderr } = await tools.run(
    'kafka-console-producer',
    [
      ...[...bootstrap, '--topic', option('topic')],
      ...['--compression-codec', options['codec'] ?? 'none'],
      ...properties('--command-property', {
        'enable.idempotence': options['idempotent'] ?? 'true',
        acks: 'all',
      }),
      ...properties('--reader-property', {
        'parse.key': 'true',
        'parse.headers': 'true',
        'key.separator': separators.field,
        'headers.delimiter': separators.field,
        'headers.separator': separators.header,
        'headers.key.separator': separators.headerValue,
        'null.marker': nullWord,
      }),
    ],
    lines.map((line) => `${line}\n`).join(''),
  )
  if (status !== 0 || stderr !== '') throw new Error(`status ${status}: ${stderr}${stdout}`)
  process.stdout.write(`${JSON.stringify({ sent: lines.length })}\n`)
}

function lineOf({ key, value, headers }: LineRecord): string {
  const pairs = headers.map(([name, of]) => `${name}${separators.headerValue}${word(of)}`)
  const all = pairs.length === 0 ? nullWord : pairs.join(separators.header)
  return [all, word(key), word(value)].join(separators.field)
}

function word(encoded: string | null): string {
  return data(encoded)?.toString() ?? nullWord
}

const printed = properties('--formatter-property', {
  'print.timestamp': 'true',
  'print.partition': 'true',
  'print.offset': 'true',
  'print.headers': 'true',
  'print.key': 'true',
  'key.separator': separators.field,
  'headers.separator': separators.header,
  'null.literal': nullWord,
})

async function consume(): Promise<void> {
  const topics = option('topics').split(',')
  const group = options['group']
  if (group) await consumeAsMember(topics[0], group)
  else await consumeAll(topics)
}

/** Until SIGTERM. */
async function consumeAsMember(topic: string, group: string): Promise<void> {
  const child = spawn(
    'java',
    [
      ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath],
      ...[toolClass['kafka-console-consumer'], ...bootstrap, '--topic', topic, '--group', group],
      ...['--from-beginning', '--max-messages', option('max'), '--timeout-ms', option('timeout')],
      ...properties('--command-property', { 'auto.commit.interval.ms': '200' }),
      ...printed,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const ended = once(child, 'close')
  for await (const line of createInterface({ input: child.stdout })) printLine(topic, line)
  await ended
}

async function consumeAll(topics: string[]): Promise<void> {
  await using tools = new ToolServer()
  for (const topic of topics) {
    const counted = await tools.run('kafka-get-offsets', [...bootstrap, '--topic', topic])
    const ends = counted.stdout.trim().split('\n')
    const max = ends.reduce((sum, line) => sum + Number(line.split(':').at(-1)), 0)
    const { status, stdout, stderr } = await tools.run('kafka-console-consumer', [
      ...[...bootstrap, '--topic', topic, '--from-beginning', '--max-messages', String(max)],
      ...['--timeout-ms', options['timeout'] ?? '30000', ...printed],
    ])
    if (status !== 0) throw new Error(`status ${status}: ${stderr}`)
    for (const line of stdout.trimEnd().split('\n')) printLine(topic, line)
  }
}

/** CreateTime:T, Partition:P, Offset:O, headers as name:value or NO_HEADERS, key, value. */
function printLine(topic: string, line: string): void {
  const [time, partition, offset, headers, key, value] = line.split(separators.field)
  const pairs = headers === 'NO_HEADERS' ? [] : headers.split(separators.header)
  print({
    topic,
    partition: Number(partition.replace('Partition:', '')),
    offset: Number(offset.replace('Offset:', '')),
    timestamp: Number(time.replace('CreateTime:', '')),
    key: bytesOf(key),
    value: bytesOf(value),
    headers: pairs.map((pair): [string, string | null] => {
      const at = pair.indexOf(':')
      return [pair.slice(0, at), bytesOf(pair.slice(at + 1))?.toString('base64') ?? null]
    }),
  })
}

function bytesOf(text: string): Buffer | null {
  return text === nullWord ? null : Buffer.from(text)
}

await (process.argv[2] === 'produce' ? produce() : consume())
flushPrinted()
