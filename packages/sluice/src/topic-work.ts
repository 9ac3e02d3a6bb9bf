// What `sluice topics` does at the broker, and how it prints it.

import { Admin, type ItemResult } from '@sluice/core/kafka-client/admin'
import type { ConfigChange } from '@sluice/core/kafka-client/configs'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { errors } from '@sluice/protocol/errors'
import { withCluster } from './client.ts'
import type {
  AlterOptions,
  CreateOptions,
  DeleteOptions,
  TopicsOptions,
} from './commands/topics.ts'
import { usageFailure } from './failure.ts'
import { refuseFailed } from './outcome.ts'
import { print, printJson } from './output.ts'
import { readTopics, type TopicDescription, topicText } from './topic-description.ts'

export async function createTopic(name: string, options: CreateOptions): Promise<void> {
  await withAdmin(options, async (admin, client) => {
    const configs = Object.fromEntries(
      (options.config ?? []).map(({ name: of, value }) => [of, value]),
    )
    const { partitions: partitionCount, replicationFactor } = options
    const [result] = await admin.createTopics([
      { name, partitionCount, replicationFactor, configs },
    ])
    const there = result.error === errors.TOPIC_ALREADY_EXISTS
    if (!(there && options.ifNotExists)) refuse([result])
    if (options.json) printJson((await readTopics(client, [name])).map(withoutError)[0])
    else print(there ? `topic ${name} is there already` : `topic ${name} is created`)
  })
}

export async function listTopics(options: TopicsOptions): Promise<void> {
  await withAdmin(options, async (admin) => {
    const names = (await admin.listTopics()).map((topic) => topic.name)
    if (options.json) printJson(names)
    else for (const name of names) print(name)
  })
}

export async function describeTopics(
  names: readonly string[],
  options: TopicsOptions,
): Promise<void> {
  await withAdmin(options, async (admin, client) => {
    const all = async () => (await admin.listTopics()).map((topic) => topic.name)
    const topics = await readTopics(client, names.length > 0 ? names : await all())
    refuse(topics.map(({ name, error }) => ({ name, error, message: null })))
    if (options.json) printJson(topics.map(withoutError))
    else for (const topic of topics) process.stdout.write(topicText(topic))
  })
}

export async function deleteTopics(
  names: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  await withAdmin(options, async (admin) => {
    const results = await admin.deleteTopics(names)
    const missing = (result: ItemResult) => result.error === errors.UNKNOWN_TOPIC_OR_PARTITION
    refuse(options.ifExists ? results.filter((result) => !missing(result)) : results)
    const deleted = results.filter(({ error }) => error === errors.NONE).map(({ name }) => name)
    if (options.json) printJson(deleted)
    else for (const name of deleted) print(`topic ${name} is deleted`)
  })
}

export async function alterTopics(names: readonly string[], options: AlterOptions): Promise<void> {
  const { partitions, config = [], deleteConfig = [] } = options
  const changes: ConfigChange[] = [
    ...config.map(({ name, value }) => ({ change: 'set', name, value }) as const),
    ...deleteConfig.map((name) => ({ change: 'delete', name, value: null }) as const),
  ]
  if (partitions === undefined && changes.length === 0) {
    throw usageFailure('nothing to alter: give --partitions, --config or --delete-config')
  }
  await withAdmin(options, async (admin, client) => {
    const alterations = names.map((name) => ({ type: 'topic', name, changes }) as const)
    const more = names.map((name) => ({ name, count: partitions ?? 0 }))
    // First all is checked, then all is done.
    for (const validateOnly of options.dryRun ? [true] : [true, false]) {
      if (changes.length > 0) refuse(await admin.alterConfigs(alterations, { validateOnly }))
      if (partitions !== undefined) refuse(await admin.createPartitions(more, { validateOnly }))
    }
    const done = options.dryRun ? 'can be altered so' : 'is altered'
    if (options.json) printJson((await readTopics(client, names)).map(withoutError))
    else for (const name of names) print(`topic ${name} ${done}`)
  })
}

async function withAdmin(
  options: TopicsOptions,
  work: (admin: Admin, client: KafkaClient) => Promise<void>,
): Promise<void> {
  await withCluster(options.bootstrap, (client) => work(new Admin(client), client))
}

function withoutError({ error: _, ...topic }: TopicDescription) {
  return topic
}

function refuse(results: readonly Pick<ItemResult, 'name' | 'error' | 'message'>[]): void {
  refuseFailed(results.map(({ name, ...rest }) => ({ what: `topic ${name}`, ...rest })))
}
