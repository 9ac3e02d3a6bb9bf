// `sluice configs`: show, set and unset what topics, brokers and groups run by.

import type { ConfigResource } from '@sluice/core/kafka-client/configs'
import { Command, Option } from 'commander'
import { bootstrapOption } from '../arguments.ts'
import { usageFailure } from '../failure.ts'
import { examples } from '../help.ts'

export interface ConfigsOptions {
  readonly bootstrap: string
  readonly topic?: string
  readonly broker?: string
  readonly brokers?: boolean
  readonly group?: string
  readonly client?: string
  readonly json?: boolean
}

export interface GetOptions extends ConfigsOptions {
  readonly all?: boolean
  readonly verbose?: boolean
}

export interface ChangeOptions extends ConfigsOptions {
  readonly dryRun?: boolean
}

export function configsCommand(): Command {
  return new Command('configs')
    .description('show, set and unset configs of topics, brokers and groups')
    .addCommand(getCommand())
    .addCommand(setCommand())
    .addCommand(unsetCommand())
}

function getCommand(): Command {
  return withResource(new Command('get'))
    .description('print what is set, and where; with names, those')
    .argument('[names...]', 'of configs')
    .option('--all', 'the defaults, too')
    .option('--verbose', 'also what would be without it, its type, and what it does')
    .option('--json', 'print them as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice configs get --topic orders',
        'sluice configs get --topic orders retention.ms --verbose',
        'sluice configs get --broker 1 --all',
      ),
    )
    .action(async (names: string[], options: GetOptions) => {
      const { getConfigs } = await import('../config-work.ts')
      await getConfigs(names, options)
    })
}

function setCommand(): Command {
  return withResource(new Command('set'))
    .description('set configs: all that are given, or none')
    .argument('<changes...>', 'name=value; of a list also name+=entry and name-=entry')
    .option('--dry-run', 'only check')
    .option('--json', 'print what is set now as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice configs set --topic orders retention.ms=3600000 cleanup.policy+=compact',
        'sluice configs set --brokers log.retention.ms=86400000',
      ),
    )
    .action(async (changes: string[], options: ChangeOptions) => {
      const { setConfigs } = await import('../config-work.ts')
      await setConfigs(changes, options)
    })
}

function unsetCommand(): Command {
  return withResource(new Command('unset'))
    .description('go back to what is behind: the brokers, the file, the default')
    .argument('<names...>', 'of configs')
    .option('--dry-run', 'only check')
    .option('--json', 'print what is still set as one line of JSON')
    .addHelpText('after', examples('sluice configs unset --topic orders retention.ms'))
    .action(async (names: string[], options: ChangeOptions) => {
      const { unsetConfigs } = await import('../config-work.ts')
      await unsetConfigs(names, options)
    })
}

const resourceOptions = ['topic', 'broker', 'brokers', 'group', 'client'] as const

function withResource(command: Command): Command {
  const flags = {
    topic: ['--topic <name>', 'of a topic'],
    broker: ['--broker <id>', 'of one broker'],
    brokers: ['--brokers', 'of all brokers, where one has not its own'],
    group: ['--group <name>', 'of a consumer group'],
    client: ['--client <name>', 'of a subscription to metrics of clients (KIP-714)'],
  } as const
  command.addOption(bootstrapOption())
  for (const name of resourceOptions) {
    const [flag, description] = flags[name]
    const others = resourceOptions.filter((other) => other !== name)
    command.addOption(new Option(flag, description).conflicts([...others]))
  }
  return command
}

/** The one that was named. */
export function resourceOf(options: ConfigsOptions): ConfigResource {
  const { topic, broker, brokers, group, client } = options
  if (topic !== undefined) return { type: 'topic', name: topic }
  if (broker !== undefined) return { type: 'broker', name: broker }
  if (brokers) return { type: 'broker', name: '' }
  if (group !== undefined) return { type: 'group', name: group }
  if (client !== undefined) return { type: 'client-metrics', name: client }
  throw usageFailure('say of what: --topic, --broker, --brokers, --group or --client')
}
