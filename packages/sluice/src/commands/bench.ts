// `sluice bench`: a load of one's own, and how the broker bears it.

import { Command, Option } from 'commander'
import { bootstrapOption, durationMs, wholeNumber } from '../arguments.ts'
import { examples } from '../help.ts'

export interface BenchOptions {
  readonly bootstrap: string
  readonly topic?: string
  readonly partitions: number
  readonly size: number
  readonly count?: number
  readonly duration: number
  readonly rate?: number
  readonly acks: 'all' | '1' | '0'
  readonly codec: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly batchSize: number
  readonly linger: number
  readonly consume: boolean
  readonly json?: boolean
}

const recordBytesMax = 100 * 1024 * 1024
const partitionsMax = 10_000

export function benchCommand(): Command {
  return new Command('bench')
    .description('produce and consume at once, and print rates and latencies')
    .addOption(bootstrapOption())
    .option('--topic <name>', 'use this one, and leave it (default: a new one, deleted afterwards)')
    .option(
      '--partitions <number>',
      'of the new topic',
      wholeNumber({ min: 1, max: partitionsMax }),
      1,
    )
    .option('--size <bytes>', 'of a value', wholeNumber({ min: 0, max: recordBytesMax }), 1024)
    .option('--duration <time>', 'how long to produce', durationMs, 10_000)
    .addOption(
      new Option('--count <records>', 'produce so many instead')
        .argParser(wholeNumber({ min: 1 }))
        .conflicts('duration'),
    )
    .option('--rate <number>', 'records a second (default: as many as go)', wholeNumber({ min: 1 }))
    .addOption(new Option('--acks <acks>', 'whose').choices(['all', '1', '0']).default('all'))
    .addOption(
      new Option('--codec <name>', 'compression of batches')
        .choices(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
        .default('none'),
    )
    .option('--batch-size <bytes>', 'of a batch at most', wholeNumber({ min: 1 }), 16_384)
    .option('--linger <time>', 'how long a batch waits for more', durationMs, 5)
    .option('--no-consume', 'only produce')
    .option('--json', 'print the results as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice bench',
        'sluice bench --rate 1000 --duration 30s',
        'sluice bench --size 100 --partitions 6 --codec lz4 --batch-size 65536 --json',
      ),
    )
    .action(async (options: BenchOptions) => {
      const { bench } = await import('../bench.ts')
      await bench(options)
    })
}
