// `sluice groups`: list, describe, move, empty and delete consumer groups.

import { Command, InvalidArgumentError, Option } from 'commander'
import { bootstrapOption, durationMs, offsetOption } from '../arguments.ts'
import { examples } from '../help.ts'
import { type PartitionScope, partitionScope } from '../partition-scope.ts'
import { instant, isoDurationMs } from '../times.ts'

export interface GroupsOptions {
  readonly bootstrap: string
  readonly json?: boolean
}

export interface ListOptions extends GroupsOptions {
  readonly state?: string[]
  readonly type?: string[]
}

export interface DescribeOptions extends GroupsOptions {
  readonly members?: boolean
  readonly state?: boolean
}

export interface DeleteOffsetsOptions extends GroupsOptions {
  readonly topic: PartitionScope[]
}

export interface ResetOptions extends GroupsOptions {
  readonly topic?: PartitionScope[]
  readonly allTopics?: boolean
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toCurrent?: boolean
  readonly toOffset?: number
  readonly shiftBy?: number
  /** Milliseconds since 1970. */
  readonly toDatetime?: number
  /** Milliseconds. */
  readonly byDuration?: number
  readonly fromFile?: string
  readonly dryRun?: boolean
  readonly execute?: boolean
  readonly export?: boolean
}

export function groupsCommand(): Command {
  return new Command('groups')
    .description('list, describe, reset and delete consumer groups')
    .addCommand(listCommand())
    .addCommand(describeCommand())
    .addCommand(resetCommand())
    .addCommand(deleteOffsetsCommand())
    .addCommand(deleteCommand())
}

function listCommand(): Command {
  return new Command('list')
    .description('print all groups with their state')
    .addOption(bootstrapOption())
    .option('--state <names>', 'only those in one of these states, by commas', names)
    .option(
      '--type <names>',
      'only those of one of these types, by commas: classic, consumer',
      names,
    )
    .option('--json', 'print them as one line of JSON')
    .addHelpText('after', examples('sluice groups list', 'sluice groups list --state Empty,Dead'))
    .action(async (options: ListOptions) => {
      const { listGroups } = await import('../group-work.ts')
      await listGroups(options)
    })
}

function describeCommand(): Command {
  return new Command('describe')
    .description('print how far groups are behind, and who is in them')
    .argument('[groups...]', 'their names (default: all)')
    .addOption(bootstrapOption())
    .addOption(new Option('--members', 'print the members instead').conflicts('state'))
    .addOption(new Option('--state', 'print a line of state for each instead'))
    .option('--json', 'print all that is known of them as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice groups describe billing',
        'sluice groups describe billing --members',
        'sluice groups describe --state',
      ),
    )
    .action(async (groups: string[], options: DescribeOptions) => {
      const { describeGroups } = await import('../group-work.ts')
      await describeGroups(groups, options)
    })
}

function resetCommand(): Command {
  const strategies = [
    new Option('--to-earliest', 'to the first record that is there'),
    new Option('--to-latest', 'to the end'),
    new Option('--to-current', 'to where it is; to the end where nothing is committed'),
    new Option('--to-offset <offset>', 'to this offset').argParser(offsetOption),
    new Option('--shift-by <number>', 'so many records on, or back with -N').argParser(shift),
    new Option('--to-datetime <time>', 'to the first record of that time or later').argParser(time),
    new Option('--by-duration <time>', 'so long back from now (5m, PT5M)').argParser(duration),
    new Option('--from-file <file>', 'to the offsets of a CSV file: topic,partition,offset'),
  ]
  const command = new Command('reset-offsets')
    .description('move an empty group to other offsets; without --execute it is only shown')
    .argument('<group>', 'its name')
    .addOption(bootstrapOption())
    .option('--topic <name[:partitions]>', 'of this topic, as orders or orders:0,2', scopes)
    .option('--all-topics', 'of all that the group has committed offsets of')
  for (const strategy of strategies) {
    const others = strategies.filter((other) => other !== strategy)
    command.addOption(strategy.conflicts(others.map((other) => other.attributeName())))
  }
  return command
    .addOption(new Option('--dry-run', 'show what would be done, the default').conflicts('execute'))
    .option('--execute', 'do it')
    .option('--export', 'print the new offsets as CSV, for --from-file')
    .option('--json', 'print them as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice groups reset-offsets billing --topic orders --to-earliest --execute',
        'sluice groups reset-offsets billing --topic orders:0,1 --shift-by -100',
        'sluice groups reset-offsets billing --all-topics --to-datetime 2026-01-31T09:00:00Z',
        'sluice groups reset-offsets billing --all-topics --to-current --export > offsets.csv',
      ),
    )
    .action(async (group: string, options: ResetOptions) => {
      const { resetOffsets } = await import('../offset-reset-work.ts')
      await resetOffsets(group, options)
    })
}

function deleteOffsetsCommand(): Command {
  return new Command('delete-offsets')
    .description('forget what is committed for topics that no member reads')
    .argument('<group>', 'its name')
    .addOption(bootstrapOption())
    .requiredOption('--topic <name[:partitions]>', 'as orders or orders:0,2', scopes)
    .option('--json', 'print the partitions as one line of JSON')
    .addHelpText('after', examples('sluice groups delete-offsets billing --topic orders'))
    .action(async (group: string, options: DeleteOffsetsOptions) => {
      const { deleteOffsets } = await import('../group-work.ts')
      await deleteOffsets(group, options)
    })
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('delete groups without members, with their offsets')
    .argument('<groups...>', 'their names')
    .addOption(bootstrapOption())
    .option('--json', 'print the deleted names as one line of JSON')
    .addHelpText('after', examples('sluice groups delete billing'))
    .action(async (groups: string[], options: GroupsOptions) => {
      const { deleteGroups } = await import('../group-work.ts')
      await deleteGroups(groups, options)
    })
}

function names(text: string): string[] {
  return text.split(',').map((name) => name.trim())
}

function scopes(text: string, before: PartitionScope[] = []): PartitionScope[] {
  const scope = partitionScope(text)
  if (scope === undefined) {
    throw new InvalidArgumentError('It must be of the form topic or topic:0,1.')
  }
  return [...before, scope]
}

function shift(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function time(text: string): number {
  const ms = instant(text)
  if (ms !== undefined) return ms
  throw new InvalidArgumentError('It must be a time such as 2026-01-31T09:00:00 (UTC) or …+01:00.')
}

function duration(text: string): number {
  return isoDurationMs(text) ?? durationMs(text)
}
