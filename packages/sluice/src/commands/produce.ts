// `sluice produce <topic> [file]`: writes the lines of standard input or of a file as records.

import { Command, InvalidArgumentError, Option } from 'commander'
import { bootstrapOption, configOption, wholeNumber } from '../arguments.ts'
import { examples } from '../help.ts'
import { lineFormats, type RecordHeader } from '../line-records.ts'
import type { ProduceOptions } from '../produce-lines.ts'

const partitionMax = 2 ** 31 - 1

export function produceCommand(): Command {
  return new Command('produce')
    .description('write lines as records')
    .argument('<topic>', 'the topic')
    .argument('[file]', 'file to read (default: standard input)')
    .addOption(bootstrapOption())
    .addOption(
      new Option(
        '--format <format>',
        'value: a line is a value; json: a record, as consume prints it',
      )
        .choices(lineFormats)
        .default('value'),
    )
    .option('--key-separator <text>', 'a line is key, separator, value')
    .option('--header <name=value>', 'header of every record; any number of times', header)
    .option(
      '--partition <number>',
      'write to this partition',
      wholeNumber({ min: 0, max: partitionMax }),
    )
    .addOption(
      new Option(
        '--partitioner <name>',
        'default: a key decides, as in Java; without one, a batch to each in turn',
      )
        .choices(['default', 'round-robin'])
        .default('default'),
    )
    .option(
      '-X, --config <name=value>',
      "a producer config of Kafka's; any number of times",
      configOption('-X'),
    )
    .option('--json', 'print what was written as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'echo hello | sluice produce greetings',
        'sluice produce orders orders.txt --key-separator : -X compression.type=zstd',
      ),
    )
    .action(async (topic: string, file: string | undefined, options: ProduceOptions) => {
      const { produce } = await import('../produce-lines.ts')
      await produce(topic, file, options)
    })
}

function header(text: string, before: RecordHeader[] | undefined): RecordHeader[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be of the form name=value.')
  return [...(before ?? []), { key: text.slice(0, at), value: Buffer.from(text.slice(at + 1)) }]
}
