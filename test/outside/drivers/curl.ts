// curl and the HTTP API behind the drivers' common command line (see drivers.ts): a produce request as JSON, and
// pages of records, the next by the cursor of the one before.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { data, flushPrinted, linesIn, option, options, print } from './line-protocol.ts'

const recordsPerRequest = 500

function recordsUrl(topic: string): string {
  return `http://${option('bootstrap')}/v1/topics/${topic}/records`
}

/** What the server answers; a status of 400 or more fails. */
async function curl(args: string[], body = ''): Promise<string> {
  const child = spawn('curl', ['-sS', '--fail-with-body', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const output = child.stdout.toArray()
  child.stdin.end(body)
  const [code] = await once(child, 'close')
  const text = Buffer.concat(await output).toString()
  if (code !== 0) throw new Error(`curl ended with ${code}: ${text}`)
  return text
}

async function produce(): Promise<void> {
  let sent = 0
  for await (const lines of linesIn(recordsPerRequest)) {
    const records = lines.map(({ key, value, ...rest }) => ({
      ...rest,
      ...(key === null ? { key } : { key_b64: key }),
      ...(value === null ? { value } : { value_b64: value }),
      headers: rest.headers.map(([name, bytes]) => [name, bytes === null ? null : { b64: bytes }]),
    }))
    const json = ['-H', 'Content-Type: application/json', '--data-binary', '@-']
    const answer = await curl([...json, recordsUrl(option('topic'))], JSON.stringify({ records }))
    const { results } = JSON.parse(answer) as { results: { offset?: number }[] }
    sent += results.filter(({ offset }) => offset !== undefined).length
  }
  process.stdout.write(`${JSON.stringify({ sent })}\n`)
}

interface Page {
  records: {
    partition: number
    offset: number
    timestamp: number | null
    key_b64?: string
    value_b64?: string
    headers: [string, string | null | { b64: string }][]
  }[]
  next: string
  caught_up: boolean
}

async function consume(): Promise<void> {
  const deadline = performance.now() + Number(options['timeout'] ?? 30_000)
  for (const topic of option('topics').split(',')) {
    let from = 'earliest'
    for (let caughtUp = false; !caughtUp && performance.now() < deadline; ) {
      const query = `from=${from}&format=base64&max_records=${recordsPerRequest}`
      const page = JSON.parse(await curl([`${recordsUrl(topic)}?${query}`])) as Page
      for (const record of page.records) printRecord(topic, record)
      from = `cursor:${page.next}`
      caughtUp = page.caught_up
    }
  }
}

function printRecord(topic: string, record: Page['records'][number]): void {
  print({
    topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp ?? -1,
    key: data(record.key_b64 ?? null),
    value: data(record.value_b64 ?? null),
    headers: record.headers.map(([name, value]): [string, string | null] => {
      if (value === null) return [name, null]
      return [name, typeof value === 'string' ? Buffer.from(value).toString('base64') : value.b64]
    }),
  })
}

await (process.argv[2] === 'produce' ? produce() : consume())
flushPrinted()
