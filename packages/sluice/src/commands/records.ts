// `sluice records`: delete the oldest records of partitions.

import { Command, InvalidArgumentError, Option } from 'commander'
import { bootstrapOption, offsetOption } from '../arguments.ts'
import { examples } from '../help.ts'
import { type PartitionScope, partitionScope } from '../partition-scope.ts'

export interface DeleteRecordsOptions {
  readonly bootstrap: string
  readonly before?: number | 'end'
  readonly fromFile?: string
  readonly json?: boolean
}

export function recordsCommand(): Command {
  return new Command('records').description('delete records').addCommand(deleteCommand())
}

function deleteCommand(): Command {
  return new Command('delete')
    .description('delete the records before an offset; they never come back')
    .argument('[partitions...]', 'of which partitions, as orders or orders:0,2', scopes)
    .addOption(bootstrapOption())
    .addOption(
      new Option('--before <offset>', 'the first offset that stays; end: none does')
        .argParser((text) => (text === 'end' ? text : offsetOption(text)))
        .conflicts('fromFile'),
    )
    .option('--from-file <file>', "as kafka-delete-records' --offset-json-file has it")
    .option('--json', 'print where the partitions begin now as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice records delete orders:0 --before 1000',
        'sluice records delete orders --before end',
        'sluice records delete --from-file offsets.json',
      ),
    )
    .action(async (partitions: PartitionScope[], options: DeleteRecordsOptions) => {
      const { deleteRecords } = await import('../record-deletion.ts')
      await deleteRecords(partitions ?? [], options)
    })
}

function scopes(text: string, before: PartitionScope[] = []): PartitionScope[] {
  const scope = partitionScope(text)
  if (scope !== undefined) return [...before, scope]
  throw new InvalidArgumentError('It must be of the form topic or topic:0,1.')
}
