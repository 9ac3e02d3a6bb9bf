// docs/client-versions.md: which version of which API each client really uses, as the broker saw it. The page is
// compared with what they use now; to write it anew: REWRITE=1 npm run test:outside -- versions

import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { handlers } from '@sluice/broker/handlers/index'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LineRecord } from './drivers/line-protocol.ts'
import { adminClients, type Client, clients, consume, produce, startDriver } from './drivers.ts'
import { finished, runTool } from './kafka/apache.ts'
import { freePort, startSluice, type Target } from './target.ts'

const page = resolve(import.meta.dirname, '../../docs/client-versions.md')
const folder = mkdtempSync(join(tmpdir(), 'sluice-versions-'))
const log = join(folder, 'log')
const rewrite = process.env['REWRITE'] === '1'

/** Client ids that are not the client's name. */
const clientIds: Readonly<Record<string, Client>> = {
  'console-producer': 'console',
  'console-consumer': 'console',
  'sluice-gateway': 'curl',
}

const records: LineRecord[] = Array.from({ length: 20 }, (_, i) => ({
  key: Buffer.from(`k${i}`).toString('base64'),
  value: Buffer.from(`v${i}`).toString('base64'),
  headers: [],
}))

let target: Target

beforeAll(async () => {
  const home = join(folder, 'data')
  target = await startSluice(await freePort(), {}, home, openSync(log, 'a'))
  const kafka = new kafkajs.Kafka({
    brokers: [target.bootstrap],
    clientId: 'test',
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = kafka.admin()
  await admin.connect()
  const topics = clients.map((client) => ({ topic: topicOf(client), numPartitions: 2 }))
  await admin.createTopics({ waitForLeaders: true, topics })
  await admin.disconnect()
  const logged = await runTool('kafka-configs', [
    ...['--bootstrap-server', target.bootstrap, '--alter', '--entity-type', 'broker-loggers'],
    ...['--entity-name', '1', '--add-config', 'kafka.request.logger=DEBUG'],
  ])
  expect(logged.status, logged.stderr).toBe(0)
}, 120_000)
afterAll(async () => {
  await target?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

function topicOf(client: Client): string {
  return `versions.${client}`
}

describe('writes, reads as a group, and does what its admin client can', () => {
  test.each(clients)('%s', { timeout: 120_000 }, async (client) => {
    const { bootstrap } = target
    const topic = topicOf(client)
    await produce(client, { bootstrap, topic }, records)
    const group = client === 'curl' ? undefined : `group.${client}`
    const max = records.length
    const options = { bootstrap, topics: [topic], max, group, timeout: 30_000 }
    expect((await consume(client, options)).length, lastRequests()).toBe(max)
    if (!adminClients.includes(client)) return
    const child = startDriver(client, 'admin', { bootstrap, topic: `${topic}.admin`, group })
    const { status, stderr } = await finished(child, '', 60_000)
    expect(status, stderr).toBe(0)
  })
})

/** What the broker did last, where a client got less than there is. */
function lastRequests(): string {
  return readFileSync(log, 'utf8').split('\n').slice(-40).join('\n')
}

/** The versions of each client, by API. */
type Used = Map<string, Map<number, Set<string>>>

test('docs/client-versions.md says which versions they use', () => {
  const now = usedVersions()
  if (rewrite) return writeFileSync(page, pageOf(now) + behindTheTable())
  const known = parsed(readFileSync(page, 'utf8'))
  const unknown = uses(now).filter((use) => !uses(known).includes(use))
  expect(unknown, 'what they use and the page does not say').toEqual([])
  const served = handlers.map(
    ({ api, versions: { min, max } }) => `| ${api.name} | ${min}-${max} |`,
  )
  for (const line of served) expect(readFileSync(page, 'utf8')).toContain(line)
})

function uses(used: Used): string[] {
  return [...used].flatMap(([api, byVersion]) =>
    [...byVersion].flatMap(([version, names]) =>
      [...names].map((name) => `${name}: ${api} ${version}`),
    ),
  )
}

function usedVersions(): Used {
  const used: Used = new Map()
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    if (!line.includes('"apiVersion"')) continue
    const { api, apiVersion, clientId } = JSON.parse(line)
    const client = clientIds[clientId] ?? clients.find((name) => name === clientId)
    if (client !== undefined) add(used, api, apiVersion, client)
  }
  return used
}

function add(used: Used, api: string, version: number, client: string): void {
  const byVersion = used.get(api) ?? new Map<number, Set<string>>()
  used.set(api, byVersion)
  byVersion.set(version, (byVersion.get(version) ?? new Set()).add(client))
}

/** What was written by hand. */
function behindTheTable(): string {
  const [, ...sections] = readFileSync(page, 'utf8').split(/^(?=## )/m)
  return sections.length === 0 ? '' : `\n${sections.join('')}`
}

function pageOf(used: Used): string {
  const cell = (name: string) =>
    [...(used.get(name) ?? [])]
      .sort(([one], [other]) => other - one)
      .map(
        ([version, names]) => `${version}: ${clients.filter((each) => names.has(each)).join(', ')}`,
      )
      .join(' · ')
  return [
    '# Versions that clients use',
    '',
    'Written by `REWRITE=1 npm run test:outside -- versions`, and compared with what is used in every run of',
    'the outside tests. Each client writes, reads as a member of a group and does one of each thing that its',
    "admin client can. `console` are Apache's console tools, `curl` is the HTTP gateway. All served versions,",
    'used or not, are tested by `test/broker/every-version.test.ts`.',
    '',
    '| API | Served | Used, by version |',
    '|---|---|---|',
    ...handlers.map(
      ({ api, versions: { min, max } }) => `| ${api.name} | ${min}-${max} | ${cell(api.name)} |`,
    ),
    '',
  ].join('\n')
}

function parsed(text: string): Used {
  const used: Used = new Map()
  for (const [, api, cell] of text.matchAll(/^\| (\w+) \| \d+-\d+ \| (.*) \|$/gm)) {
    for (const [, version, names] of cell.matchAll(/(\d+): ([^·]+)/g)) {
      for (const name of names.trim().split(', ')) add(used, api, Number(version), name)
    }
  }
  return used
}
