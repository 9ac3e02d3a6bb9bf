import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Admin } from '@sluice/core/kafka-client/admin'
import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import { Producer } from '@sluice/core/kafka-client/producer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withCluster } from '../../packages/sluice/src/client.ts'
import { dumpFile, filesOf } from '../../packages/sluice/src/log-dump.ts'
import { findingText, type LogFinding } from '../../packages/sluice/src/log-finding.ts'
import { sluice, startBroker, temporaryFolder } from './command.ts'

const source = temporaryFolder()
const recordCount = 400

/** A log of two segments with an index entry for every few batches, left behind by a broker. */
beforeAll(async () => {
  const data = ['--data', source.path]
  await using broker = await startBroker(['dev', '--port', '0', ...data, '--json'])
  await withCluster(broker.bootstrapServers, async (client) => {
    const configs = { 'segment.bytes': '1048576', 'index.interval.bytes': '9000' }
    await new Admin(client).createTopics([{ name: 'orders', configs }])
    const producer = new Producer(client, { lingerMs: 0, idempotent: true })
    const value = Buffer.alloc(3000, 'x')
    for (let index = 0; index < recordCount; index++) {
      const record = { key: Buffer.from(`k${index}`), value, timestamp: 1_000_000 + index }
      await producer.send('orders', [{ ...record, partition: 0 }])
    }
    await new GroupAdmin(client).alterOffsets('billing', [
      { topic: 'orders', partition: 0, offset: 5 },
    ])
  })
  await broker.end('SIGTERM')
}, 90_000)

afterAll(() => source[Symbol.dispose]())

/** A copy of the log to damage. */
function copied() {
  const folder = temporaryFolder()
  const log = path.join(folder.path, 'orders-0')
  cpSync(path.join(source.path, 'orders-0'), log, { recursive: true })
  return {
    log,
    file: (name: string) => path.join(log, name),
    [Symbol.dispose]: folder[Symbol.dispose],
  }
}

function findings(given: string, options = { records: false }): LogFinding[] {
  return filesOf(given).flatMap((file) => [...dumpFile(file, options)])
}

function mismatches(given: string, options = { records: false }): string[] {
  const wrong = findings(given, options).filter(({ kind }) => kind === 'mismatch')
  return wrong.map(({ fields }) => String(fields['what']))
}

function flip(file: string, at: number): void {
  const content = readFileSync(file)
  content[at] ^= 0x01
  writeFileSync(file, content)
}

const first = '00000000000000000000'

describe('a log that is sound', () => {
  test('has every batch, record and entry, and nothing is wrong', () => {
    using copy = copied()
    const all = findings(copy.log, { records: true })
    const count = (kind: string) => all.filter((finding) => finding.kind === kind).length
    expect(count('mismatch')).toBe(0)
    expect(count('batch')).toBe(recordCount)
    expect(count('record')).toBe(recordCount)
    expect(count('entry')).toBeGreaterThan(20)
    const record = all.find(({ kind }) => kind === 'record')
    expect(record?.fields).toMatchObject({ offset: 0, keySize: 2, valueSize: 3000, key: 'k0' })
    expect(findingText(all[0])).toMatch(
      /^baseOffset: 0 lastOffset: 0 count: 1 baseSequence: 0 lastSequence: 0 producerId: \d+ /,
    )
  })

  test('reads by the command, one file or a folder, as text and as JSON', async () => {
    const log = path.join(source.path, 'orders-0')
    const text = await sluice(['log', 'dump', log, '--check'])
    expect(text).toMatchObject({ status: 0, stderr: '' })
    const sums = [...text.stdout.matchAll(/^= batches: (\d+), records: (\d+)/gm)]
    expect(sums.reduce((sum, [, , records]) => sum + Number(records), 0)).toBe(recordCount)
    const index = path.join(log, `${first}.index`)
    const json = await sluice(['log', 'dump', index, '--json'])
    const [line] = json.stdout.split('\n')
    expect(JSON.parse(line)).toMatchObject({ file: index, kind: 'entry' })
  })

  test('of committed offsets says whose they are', () => {
    const records = findings(path.join(source.path, '__consumer_offsets-0'), { records: true })
    expect(records.map(({ fields }) => fields['key'])).toContain(
      'offset_commit::group=billing,partition=orders-0',
    )
  })
})

describe('what is wrong is found', () => {
  test('a flipped bit in a record', () => {
    using copy = copied()
    flip(copy.file(`${first}.log`), 200)
    expect(mismatches(copy.log)).toEqual(['the CRC of a batch is wrong'])
  })

  test('a torn tail', () => {
    using copy = copied()
    const names = filesOf(copy.log).filter((file) => file.endsWith('.log'))
    const last = names[names.length - 1]
    truncateSync(last, readFileSync(last).length - 100)
    expect(mismatches(last)).toEqual([
      expect.stringMatching(/^the file ends within a batch: \d+ bytes are no batch$/),
    ])
  })

  test('zeros, and a length that cannot be', () => {
    using copy = copied()
    const log = copy.file(`${first}.log`)
    writeFileSync(log, Buffer.concat([readFileSync(log), Buffer.alloc(1000)]))
    expect(mismatches(log)).toEqual([expect.stringMatching(/a batch cannot be 12 bytes long/)])
  })

  test('offsets that do not grow', () => {
    using copy = copied()
    const log = copy.file(`${first}.log`)
    const content = readFileSync(log)
    const batchBytes = 12 + content.readInt32BE(8)
    writeFileSync(log, Buffer.concat([content.subarray(0, batchBytes), content]))
    expect(mismatches(log)).toEqual(['offsets do not grow'])
  })

  test('an offset index that points beside a batch, or to another', () => {
    using copy = copied()
    flip(copy.file(`${first}.index`), 7)
    expect(mismatches(copy.log)).toEqual(['no batch begins where an entry points to'])
    flip(copy.file(`${first}.index`), 7)
    flip(copy.file(`${first}.index`), 3)
    expect(mismatches(copy.log)).toEqual(['an entry names another batch than the one it points to'])
  })

  test('a time index with another time, or an offset that is not there', () => {
    using copy = copied()
    flip(copy.file(`${first}.timeindex`), 7)
    expect(mismatches(copy.log)).toEqual(['an entry has another time than the log up to there'])
    flip(copy.file(`${first}.timeindex`), 7)
    const content = readFileSync(copy.file(`${first}.timeindex`))
    content.writeInt32BE(100_000, content.length - 4)
    writeFileSync(copy.file(`${first}.timeindex`), content)
    expect(mismatches(copy.log)).toEqual(['an entry names an offset that the log does not have'])
  })

  test('snapshots, epochs and the topic id', () => {
    using copy = copied()
    const snapshots = filesOf(copy.log).filter((file) => file.endsWith('.snapshot'))
    flip(snapshots[0], 20)
    expect(mismatches(snapshots[0])).toEqual([expect.stringMatching(/CRC is wrong$/)])
    writeFileSync(copy.file('leader-epoch-checkpoint'), '0\n2\n3 10\n2 20\n')
    expect(mismatches(copy.file('leader-epoch-checkpoint'))).toEqual(['epochs do not grow'])
    writeFileSync(copy.file('partition.metadata'), 'version: 0\n')
    expect(mismatches(copy.file('partition.metadata'))).toEqual(['it names no topic id'])
  })

  test('the zeros behind the entries of an index that is kept at its full size are no entries', () => {
    using copy = copied()
    for (const kind of ['index', 'timeindex']) {
      const file = copy.file(`${first}.${kind}`)
      writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(2400)]))
    }
    expect(mismatches(copy.log)).toEqual([])
  })

  test('by the command, with status 1', async () => {
    using copy = copied()
    flip(copy.file(`${first}.log`), 200)
    const { status, stdout, stderr } = await sluice(['log', 'dump', copy.log, '--check'])
    expect(status).toBe(1)
    expect(stdout).toContain('\nMISMATCH the CRC of a batch is wrong (position: 0)\n')
    expect(stderr).toMatch(/^sluice: one mismatch in 1 of \d+ files\n$/)
  })

  test.each([
    [['/nowhere/orders-0'], /^sluice: cannot read \/nowhere\/orders-0: there is no such file\n$/],
    [[import.meta.filename], /no file of a log is called so\n$/],
    [[import.meta.dirname], /holds no files of a log\n$/],
  ])('%j cannot be dumped', async (paths, message) => {
    const { status, stderr } = await sluice(['log', 'dump', ...paths])
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)])
  })
})
