// `sluice cluster`: what the cluster consists of.

import { Command } from 'commander'
import { bootstrapOption } from '../arguments.ts'
import { examples } from '../help.ts'

export interface ClusterOptions {
  readonly bootstrap: string
  readonly json?: boolean
}

export function clusterCommand(): Command {
  return new Command('cluster').description('show the cluster').addCommand(describeCommand())
}

function describeCommand(): Command {
  return new Command('describe')
    .description('print the brokers, which of them controls, and what they have on disk')
    .addOption(bootstrapOption())
    .option('--json', 'print it as one line of JSON')
    .addHelpText('after', examples('sluice cluster describe'))
    .action(async (options: ClusterOptions) => {
      const { describeCluster } = await import('../cluster-work.ts')
      await describeCluster(options)
    })
}
