// `sluice log`: looks into the files of a log.

import { Command } from 'commander'
import { examples } from '../help.ts'

export interface DumpOptions {
  readonly records?: boolean
  readonly check?: boolean
  readonly json?: boolean
}

export function logCommand(): Command {
  return new Command('log').description('look into the files of a log').addCommand(dumpCommand())
}

function dumpCommand(): Command {
  return new Command('dump')
    .description('print and check segments, indexes and snapshots, as they lie on disk')
    .argument(
      '<paths...>',
      'folders of partitions, or files: .log .index .timeindex .txnindex .snapshot, checkpoints',
    )
    .option('--records', 'the records of each batch, too')
    .option('--check', 'print only what is in each file, and what is wrong')
    .option('--json', 'print a line of JSON for each batch, record, entry, finding and file')
    .addHelpText(
      'after',
      `
It needs no broker, and changes nothing. Checked are: the CRC of each batch, with --records also what is in
it; that offsets grow; that each index entry points to the batch it names; that producers and epochs are read
back. It ends with status 1 where something is wrong; a segment that is being written may end in half a batch.
${examples(
  'sluice log dump .sluice/orders-0',
  'sluice log dump .sluice/orders-0/00000000000000000000.log --records',
  'sluice log dump /var/lib/kafka/*-[0-9]* --check',
)}`,
    )
    .action(async (paths: string[], options: DumpOptions) => {
      const { dumpLogs } = await import('../log-dump.ts')
      await dumpLogs(paths, options)
    })
}
