// `sluice consume <topic>`: prints the records of a topic, by partition or as a member of a group.

import type { ConfigEntry } from '@sluice/core/config/config-entry'
import { Command, InvalidArgumentError, Option } from 'commander'
import { bootstrapOption, configOption, durationMs, wholeNumber } from '../arguments.ts'
import { examples } from '../help.ts'
import { type RecordFormat, recordFormats } from '../record-format.ts'

export interface ConsumeOptions {
  readonly bootstrap: string
  readonly fromBeginning?: boolean
  readonly partition?: number[]
  /** A negative number counts from the end. */
  readonly offset?: number | 'earliest' | 'latest'
  readonly group?: string
  readonly max?: number
  readonly timeout?: number
  readonly untilEnd?: boolean
  readonly format: RecordFormat
  readonly keySeparator: string
  readonly config?: ConfigEntry[]
  readonly json?: boolean
}

const partitionMax = 2 ** 31 - 1

export function consumeCommand(): Command {
  return new Command('consume')
    .description('print records')
    .argument('<topic>', 'the topic')
    .addOption(bootstrapOption())
    .option('--from-beginning', 'begin with the first record instead of the next one')
    .addOption(
      new Option('--partition <numbers>', 'read these partitions only, by commas').argParser(
        partitions,
      ),
    )
    .addOption(
      new Option('--offset <offset>', 'begin there: a number, -N (from the end), earliest, latest')
        .argParser(offset)
        .conflicts('fromBeginning'),
    )
    .addOption(
      new Option('--group <id>', 'read as a member of this group, and commit').conflicts([
        'partition',
        'offset',
      ]),
    )
    .option('--max <number>', 'stop after so many records', wholeNumber({ min: 1 }))
    .option('--timeout <time>', 'stop when no record came for so long (5s, 500ms)', durationMs)
    .option('--until-end', 'stop at the end as it is now')
    .addOption(
      new Option('--format <format>', 'value: its bytes and a newline')
        .choices(recordFormats)
        .default('value'),
    )
    .option('--key-separator <text>', 'between key and value in the format key-value', '\t')
    .option(
      '-X, --config <name=value>',
      "a consumer config of Kafka's; any number of times",
      configOption('-X'),
    )
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      examples(
        'sluice consume orders --from-beginning --until-end',
        'sluice consume orders --offset -10 --json',
        'sluice consume orders --group billing --timeout 5s -X max.poll.records=100',
      ),
    )
    .action(async (topic: string, options: ConsumeOptions) => {
      const { consume } = await import('../consume-records.ts')
      await consume(topic, options.json ? { ...options, format: 'json' } : options)
    })
}

function partitions(text: string): number[] {
  return text.split(',').map(wholeNumber({ min: 0, max: partitionMax }))
}

function offset(text: string): number | 'earliest' | 'latest' {
  if (text === 'earliest' || text === 'latest') return text
  if (!/^-?\d{1,15}$/.test(text)) {
    throw new InvalidArgumentError('It must be a number, earliest or latest.')
  }
  return Number(text)
}
