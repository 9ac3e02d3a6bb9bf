// The tables of configs beside Apache Kafka's own definitions: every name, with type, default and legal values.

import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { type ConfigTable, type Definition, formatValue } from '@sluice/core/config/definition'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { topicConfigs } from '@sluice/core/config/tables/topic'
import { beforeAll, expect, test } from 'vitest'
import { classPath } from './kafka/apache.ts'

interface KafkaConfig {
  readonly of: 'broker' | 'topic' | 'group'
  readonly name: string
  readonly type: string
  /** It has no default. */
  readonly required: boolean
  readonly value: string | null
  /** As Kafka's validator describes itself. */
  readonly legal: string | null
}

/** Where we differ, and why. */
const differences: Readonly<Record<string, string>> = {
  'process.roles': 'no default in Kafka; a file of an older Kafka has none',
  'controller.listener.names': 'the same',
  'node.id': 'the same',
  'metrics.recording.level': 'Kafka finds out later that a level is none',
  'authorizer.class.name': 'a string in a file is never null',
  'controller.quorum.voters': 'named a non-empty list there, yet may be empty',
  'controller.quorum.bootstrap.servers': 'the same',
  'internal.segment.bytes': 'Kafka fails later on a segment of no bytes',
  'num.replica.alter.log.dirs.threads': 'with none, a move would never end',
}

/** Not in KafkaConfig: dynamic configs, those of its authorizer, and of clients that a broker has too. */
const beside = [
  'leader.replication.throttled.rate',
  'follower.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
  'sasl.oauthbearer.header.urlencode',
  'super.users',
  'allow.everyone.if.no.acl.found',
]

let kafka: KafkaConfig[]

beforeAll(() => {
  const program = path.join(import.meta.dirname, 'kafka/ConfigTable.java')
  const printed = execFileSync('java', ['-cp', classPath, program], { encoding: 'utf8' })
  kafka = printed
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as KafkaConfig)
})

test.each([
  ['broker', brokerConfigs as ConfigTable],
  ['topic', topicConfigs as ConfigTable],
])('every %s config of Kafka is known, and the same', (of, table) => {
  const known = kafka.filter((config) => config.of === of)
  expect(known.length).toBeGreaterThan(30)
  const wrong = known.flatMap((config) => {
    const ours = table[config.name]
    return ours === undefined ? `${config.name} is missing` : differencesOf(config, ours)
  })
  expect(wrong).toEqual([])
  const names = new Set(known.map(({ name }) => name))
  const more = Object.keys(table).filter((name) => !names.has(name) && !name.startsWith('sluice.'))
  expect(more).toEqual(of === 'broker' ? beside : [])
})

function differencesOf(
  { name, type, required, value, legal }: KafkaConfig,
  ours: Definition<unknown>,
) {
  const wrong: string[] = []
  if (ours.type !== type) wrong.push(`${name} is of type ${ours.type}, not ${type}`)
  if (Object.hasOwn(differences, name)) return wrong
  const ownValue = formatValue(ours.default)
  if (required || ownValue !== value) wrong.push(`${name} is ${ownValue} by default, not ${value}`)
  if (!sameLegal(ours, legal)) wrong.push(`${name} may be ${legal}`)
  return wrong
}

/** `[1,...]`, `[0,...,1]`, `[1,...,9] or -1`, `[a, b]`, `(case insensitive) [a, b]`, … */
function sameLegal(ours: Definition<unknown>, legal: string | null): boolean {
  const { min, max, also, values, nonEmpty, form, ignoreCase } = ours
  const range = /^\[(-?[\d.]+),\.\.\.(?:,(-?[\d.]+))?\](?: or (-?\d+))?$/.exec(legal ?? '')
  if (range !== null) {
    const number = (text: string | undefined) => (text === undefined ? undefined : Number(text))
    const same = min === number(range[1]) && max === number(range[2])
    return same && also === number(range[3])
  }
  if (form !== undefined) return form.words.endsWith(String(legal))
  if (values !== undefined) {
    return legal === `${ignoreCase ? '(case insensitive) ' : ''}[${values.join(', ')}]`
  }
  // A validator of lists describes itself by nothing, whether it lets an empty one pass or not.
  if (ours.type === 'list') return legal === '' || legal === null
  if (nonEmpty) return legal === 'non-empty string'
  return legal === null && min === undefined && max === undefined
}
