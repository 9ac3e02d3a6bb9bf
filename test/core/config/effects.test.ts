import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { ConfigTable } from '@sluice/core/config/definition'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { consumerConfigs, producerConfigs } from '@sluice/core/config/tables/client'
import { clientMetricsConfigs, groupResourceConfigs } from '@sluice/core/config/tables/resources'
import { brokerSynonyms, topicConfigs } from '@sluice/core/config/tables/topic'
import { describe, expect, test } from 'vitest'

// What the tables say of a config, the code has to bear out: one that is implemented is read somewhere, one
// that is read has an effect.

const root = path.join(import.meta.dirname, '../../..')

/** All sources outside the tables, in one text. */
function sourcesOf(...folders: string[]): string {
  return folders
    .flatMap((folder) => {
      const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      return files
        .filter(isSource)
        .map((file) => readFileSync(path.join(root, folder, file), 'utf8'))
    })
    .join('\n')
}

function isSource(file: string): boolean {
  return file.endsWith('.ts') && !/node_modules|dist\/|config\/tables\/|dev-configs/.test(file)
}

/** Only to be told apart: `config['x']`, `config.x`, or a name that is looked up by a table. */
function reads(sources: string, name: string): boolean {
  return sources.includes(`'${name}'`) || new RegExp(`config(\\(\\))?\\.${name}\\b`).test(sources)
}

function disagreements(table: ConfigTable, isRead: (name: string) => boolean): string[] {
  return Object.entries(table).flatMap(([name, { effect }]) => {
    const read = isRead(name)
    if (effect === 'implemented') return read ? [] : [`${name}: implemented, but nobody reads it`]
    return read ? [`${name}: read, but said to have no effect ${effect.noEffect}`] : []
  })
}

describe('the code bears out the tables', () => {
  const core = 'packages/core/src'
  const engine = sourcesOf(
    ...['log', 'cluster', 'partition', 'group'].map((folder) => `${core}/${folder}`),
    'services/broker/src',
  )
  const all = `${engine}\n${sourcesOf('packages/sluice/src', 'services/gateway/src')}`

  test('of topics', () => {
    // internal.segment.bytes becomes segment.bytes when a TopicConfig is made.
    const isRead = (name: string) => reads(engine, name) || name === 'internal.segment.bytes'
    expect(disagreements(topicConfigs, isRead)).toEqual([])
  })

  test('of brokers', () => {
    const behindTopics = new Set<string>()
    for (const [name, synonyms] of Object.entries(brokerSynonyms)) {
      const { effect } = topicConfigs[name as keyof typeof topicConfigs]
      if (effect === 'implemented') for (const { name: of } of synonyms) behindTopics.add(of)
    }
    const known = new Set(Object.keys(producerConfigs).concat(Object.keys(consumerConfigs)))
    const isRead = (name: string) => {
      if (behindTopics.has(name)) return true
      // broker.id becomes node.id when a BrokerConfig is made.
      if (name === 'broker.id') return true
      // A name that clients have too is looked for where only brokers read.
      return reads(known.has(name) ? engine : all, name)
    }
    expect(disagreements(brokerConfigs, isRead)).toEqual([])
  })

  test('of groups and client metrics', () => {
    // They are kept for features that are not there yet: all of them say so.
    const isRead = () => false
    expect(disagreements(groupResourceConfigs, isRead)).toEqual([])
    expect(disagreements(clientMetricsConfigs, isRead)).toEqual([])
  })

  test('of clients', () => {
    const clients = sourcesOf('packages/core/src/kafka-client', 'packages/sluice/src')
    const isRead = (name: string) => reads(clients, name)
    expect(disagreements(producerConfigs, isRead)).toEqual([])
    expect(disagreements(consumerConfigs, isRead)).toEqual([])
  })
})
