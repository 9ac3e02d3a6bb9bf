import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { againstEmbedded } from './against-embedded.ts'
import { sluice, temporaryFolder } from './command.ts'

const against = againstEmbedded()
const { run, output } = against

describe('sluice produce', () => {
  test('100,000 lines come out as they went in, from a file and from a pipe', async () => {
    using folder = temporaryFolder()
    const text = Array.from({ length: 100_000 }, (_, n) => `${n} \t\u00e9${'x'.repeat(n % 97)}\r\n`)
    const bytes = Buffer.concat([Buffer.from(text.join('')), Buffer.from([0xff, 0xfe, 0x0a])])
    const file = path.join(folder.path, 'lines')
    writeFileSync(file, bytes)
    const written = await output(['produce', 'file', file, '--json', '-X', 'compression.type=lz4'])
    expect(JSON.parse(written)).toMatchObject({ records: 100_001 })
    await output(['produce', 'pipe'], { input: bytes })
    for (const topic of ['file', 'pipe']) {
      const records = await against.broker.records(topic)
      const values = records.flatMap(({ value }) => [value ?? Buffer.alloc(0), Buffer.from('\n')])
      expect(sha256(Buffer.concat(values))).toBe(sha256(bytes))
    }
    const { stdout } = await run(['consume', 'pipe', '--from-beginning', '--max', '1000'])
    expect(stdout).toBe(text.slice(0, 1000).join(''))
  })

  test('keys, headers and partitions', async () => {
    await output(['topics', 'create', 't', '--partitions', '3'])
    const flags = ['--key-separator', ':', '--header', 'a=1', '--header', 'b=x=y']
    await output(['produce', 't', ...flags], { input: 'k:v:w\n:empty key\n' })
    await output(['produce', 't', '--partition', '2'], { input: 'there\n' })
    const records = await against.broker.records('t')
    const found = new Map(records.map((record) => [String(record.value), record]))
    expect(String(found.get('v:w')?.key)).toBe('k')
    expect(String(found.get('empty key')?.key)).toBe('')
    expect(found.get('v:w')?.headers.map(({ key, value }) => `${key}=${value}`)).toEqual([
      'a=1',
      'b=x=y',
    ])
    expect(found.get('there')).toMatchObject({ partition: 2, key: null })
    const args = ['consume', 't', '--from-beginning', '--until-end', '--format', 'key-value']
    const printed = await output([...args, '--key-separator', '='])
    expect(printed.trimEnd().split('\n').sort()).toEqual(['=empty key', '=there', 'k=v:w'])
  })

  test('--format json takes all that a record can hold', async () => {
    await output(['topics', 'create', 't', '--partitions', '2'])
    const input = [
      '{"key":"k","value":null,"headers":[["a",null],["a",{"b64":"/w=="}]],"partition":1}',
      '{"key_b64":"/w==","value":{"n": 1.50},"timestamp":1760000000000,"partition":0,"offset":7}',
      '{"value":"","timestamp":"2026-01-31T12:00:00Z","partition":0}',
    ]
    const flags = ['--format', 'json', '--header', 'all=1']
    await output(['produce', 't', ...flags], { input: input.join('\n') })
    const records = await against.broker.records('t')
    const [exact, empty, tombstone] = records.sort((a, b) => a.partition - b.partition)
    expect(tombstone).toMatchObject({ partition: 1, key: Buffer.from('k'), value: null })
    expect(tombstone.headers).toEqual([
      { key: 'all', value: Buffer.from('1') },
      { key: 'a', value: null },
      { key: 'a', value: Buffer.from([0xff]) },
    ])
    expect(exact).toMatchObject({ key: Buffer.from([0xff]), timestamp: 1_760_000_000_000 })
    expect(String(exact.value)).toBe('{"n": 1.50}')
    expect(empty).toMatchObject({ key: null, timestamp: Date.UTC(2026, 0, 31, 12) })
    expect(String(empty.value)).toBe('')
  })

  test('what consume prints in base64 is another topic, record for record', async () => {
    const value = Buffer.from([0, 10, 0xff, 0x22]).toString('base64')
    const lines = [`{"value_b64":"${value}","timestamp":5}`, '{"key":"1","value":"\\"1\\""}']
    await output(['produce', 'from', '--format', 'json'], { input: lines.join('\n') })
    const read = ['--from-beginning', '--until-end', '--format', 'base64']
    const printed = await output(['consume', 'from', ...read])
    await output(['produce', 'to', '--format', 'json'], { input: printed })
    expect(await output(['consume', 'to', ...read])).toBe(printed)
    expect(printed).toContain(`"value_b64":"${value}"`)
  })

  const json = ['produce', 't', '--format', 'json']
  test.each([
    [
      json,
      '{"value":1}\n{"value"\n',
      /^sluice: line 2 is no record: expected ':' but found the end/,
    ],
    [json, '{"key":"k"}\n', /^sluice: line 1 is no record: one of value/],
    [json, '{"value":1,"time":2}\n', /^sluice: line 1 is no record: Unrecognized key: "time"/],
    [json, '{"value":1,"partition":-1}\n', /^sluice: line 1 is no record: partition: /],
    [json, '[1]\n', /^sluice: line 1 is no record: /],
    [[...json, '--key-separator', ':'], '', /--key-separator does not go with --format json/],
    [['produce', 't', '--key-separator', ':'], 'a:1\nb\n', /^sluice: line 2 has no key separator/],
    [['produce', 't', '--partition', '9'], 'a\n', /^sluice: line 1 was not written: t has 1 part/],
    [['produce', 't', '-X', 'linger=1'], '', /unknown producer config linger; did you mean linger/],
    [['produce', 't', '-X', 'security.protocol=SSL'], '', /TLS and SASL are not there yet/],
    [['produce', 'a b'], 'x\n', /INVALID_TOPIC_EXCEPTION/],
    [['produce', 't', '/no/such/file'], '', /cannot read \/no\/such\/file: there is no such file/],
  ])('%j is refused in one line', async (args, input, message) => {
    await output(['topics', 'create', 't'])
    const { status, stdout, stderr } = await run(args, { input })
    expect(status).toBeGreaterThan(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('without a broker the command says so, with what helps', async () => {
    const { status, stderr } = await sluice(['topics', 'list', '--bootstrap', '127.0.0.1:1'])
    expect(status).toBe(1)
    expect(stderr).toMatch(/^sluice: no broker answers at 127.0.0.1:1; .*sluice dev.*\n$/)
  })

  test('the broker may be named by SLUICE_BOOTSTRAP', async () => {
    const env = { SLUICE_BOOTSTRAP: against.broker.bootstrapServers }
    await output(['topics', 'create', 'by-variable'])
    const { stdout } = await sluice(['topics', 'list'], { env })
    expect(stdout.split('\n')).toContain('by-variable')
  })
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
