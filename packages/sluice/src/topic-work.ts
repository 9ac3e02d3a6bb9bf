// What `sluice topics` does at the broker, and how it prints it.

import { consumerConfig } from '@sluice/core/config/client-config'
import { Admin, type ItemResult } from '@sluice/core/kafka-client/admin'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { errorName, errors } from '@sluice/protocol/errors'
import { withClient } from './client.ts'
import type { CreateOptions, DeleteOptions, TopicsOptions } from './commands/topics.ts'
import { Failure } from './failure.ts'
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

async function withAdmin(
  options: TopicsOptions,
  work: (admin: Admin, client: KafkaClient) => Promise<void>,
): Promise<void> {
  const defaults = consumerConfig({})
  if (!defaults.ok) return
  await withClient(options.bootstrap, defaults.config, (client) => work(new Admin(client), client))
}

function withoutError({ error: _, ...topic }: TopicDescription) {
  return topic
}

/** Throws for the first item that failed; the others are done. */
function refuse(results: readonly ItemResult[]): void {
  const failed = results.find(({ error }) => error !== errors.NONE)
  if (failed === undefined) return
  const { name, error, message } = failed
  const why = message ?? plainWords[error] ?? errorName(error)
  throw new Failure(`topic ${name}: ${why} (${errorName(error)})`)
}

const plainWords: Readonly<Record<number, string>> = {
  [errors.UNKNOWN_TOPIC_OR_PARTITION]: 'it does not exist',
  [errors.TOPIC_ALREADY_EXISTS]: 'it exists already',
  [errors.INVALID_TOPIC_EXCEPTION]: 'this name is not allowed',
}
