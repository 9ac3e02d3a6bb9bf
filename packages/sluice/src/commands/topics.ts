// `sluice topics`: create, list, describe, alter and delete topics.

import type { ConfigEntry } from '@sluice/core/config/config-entry'
import { Command } from 'commander'
import { bootstrapOption, configOption, wholeNumber } from '../arguments.ts'
import { examples } from '../help.ts'

export interface TopicsOptions {
  readonly bootstrap: string
  readonly json?: boolean
}

export interface CreateOptions extends TopicsOptions {
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly config?: ConfigEntry[]
  readonly ifNotExists?: boolean
}

export interface AlterOptions extends TopicsOptions {
  readonly partitions?: number
  readonly config?: ConfigEntry[]
  readonly deleteConfig?: string[]
  readonly dryRun?: boolean
}

export interface DeleteOptions extends TopicsOptions {
  readonly ifExists?: boolean
}

const partitionsMax = 2 ** 31 - 1
const replicationFactorMax = 2 ** 15 - 1

export function topicsCommand(): Command {
  return new Command('topics')
    .description('create, list, describe, alter and delete topics')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(describeCommand())
    .addCommand(alterCommand())
    .addCommand(deleteCommand())
}

function createCommand(): Command {
  return new Command('create')
    .description('create a topic')
    .argument('<topic>', 'its name')
    .addOption(bootstrapOption())
    .option('--partitions <number>', 'how many', wholeNumber({ min: 1, max: partitionsMax }))
    .option(
      '--replication-factor <number>',
      'replicas of each partition',
      wholeNumber({ min: 1, max: replicationFactorMax }),
    )
    .option(
      '--config <name=value>',
      'a topic config; any number of times',
      configOption('--config'),
    )
    .option('--if-not-exists', 'be content when it is there already')
    .option('--json', 'print the topic as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice topics create orders',
        'sluice topics create orders --partitions 6 --config cleanup.policy=compact',
      ),
    )
    .action(async (topic: string, options: CreateOptions) => {
      const { createTopic } = await import('../topic-work.ts')
      await createTopic(topic, options)
    })
}

function listCommand(): Command {
  return new Command('list')
    .description('print the names of all topics')
    .addOption(bootstrapOption())
    .option('--json', 'print them as one line of JSON')
    .addHelpText('after', examples('sluice topics list'))
    .action(async (options: TopicsOptions) => {
      const { listTopics } = await import('../topic-work.ts')
      await listTopics(options)
    })
}

function describeCommand(): Command {
  return new Command('describe')
    .description("print partitions, leaders and configs, as Kafka's tool does")
    .argument('[topics...]', 'their names (default: all)')
    .addOption(bootstrapOption())
    .option('--json', 'print them as one line of JSON')
    .addHelpText(
      'after',
      examples('sluice topics describe', 'sluice topics describe orders --json'),
    )
    .action(async (topics: string[], options: TopicsOptions) => {
      const { describeTopics } = await import('../topic-work.ts')
      await describeTopics(topics, options)
    })
}

function alterCommand(): Command {
  return new Command('alter')
    .description('add partitions to topics, set and unset their configs')
    .argument('<topics...>', 'their names')
    .addOption(bootstrapOption())
    .option(
      '--partitions <number>',
      'how many there are to be; keys may go to other ones from then on',
      wholeNumber({ min: 1, max: partitionsMax }),
    )
    .option(
      '--config <name=value>',
      'set a topic config; any number of times',
      configOption('--config'),
    )
    .option(
      '--delete-config <name>',
      'go back to the default; any number of times',
      (name: string, before: string[] = []) => [...before, name],
    )
    .option('--dry-run', 'only check')
    .option('--json', 'print the topics as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice topics alter orders --partitions 6',
        'sluice topics alter orders --config retention.ms=3600000 --delete-config segment.ms',
      ),
    )
    .action(async (topics: string[], options: AlterOptions) => {
      const { alterTopics } = await import('../topic-work.ts')
      await alterTopics(topics, options)
    })
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('delete topics with all their records')
    .argument('<topics...>', 'their names')
    .addOption(bootstrapOption())
    .option('--if-exists', 'be content when one is not there')
    .option('--json', 'print the deleted names as one line of JSON')
    .addHelpText('after', examples('sluice topics delete orders payments --if-exists'))
    .action(async (topics: string[], options: DeleteOptions) => {
      const { deleteTopics } = await import('../topic-work.ts')
      await deleteTopics(topics, options)
    })
}
