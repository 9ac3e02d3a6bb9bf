// The command line: all commands and their options. What a command does is imported when it runs, so
// that `sluice --help` and a start of `dev` load nothing they do not need.

import { Command, type CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { benchCommand } from './commands/bench.ts'
import { clusterCommand } from './commands/cluster.ts'
import { completeCommand, completionCommand } from './commands/completion.ts'
import { configsCommand } from './commands/configs.ts'
import { consumeCommand } from './commands/consume.ts'
import { devCommand } from './commands/dev.ts'
import { groupsCommand } from './commands/groups.ts'
import { logCommand } from './commands/log.ts'
import { produceCommand } from './commands/produce.ts'
import { recordsCommand } from './commands/records.ts'
import { serverCommand } from './commands/server.ts'
import { stopCommand } from './commands/stop.ts'
import { topicsCommand } from './commands/topics.ts'
import { exitStatus } from './failure.ts'

export function program(): Command {
  const root = new Command('sluice')
    .description('Kafka in one process, and the tools to use it')
    .version(packageJson.version)
    .addHelpText('after', '\nStart with:\n  $ sluice dev\n')
  const commands = [
    devCommand(),
    serverCommand(),
    stopCommand(),
    topicsCommand(),
    configsCommand(),
    groupsCommand(),
    recordsCommand(),
    clusterCommand(),
    logCommand(),
    benchCommand(),
    completionCommand(),
    produceCommand(),
    consumeCommand(),
  ]
  for (const command of commands) root.addCommand(command)
  root.enablePositionalOptions()
  root.addCommand(completeCommand(program), { hidden: true })
  endUniformly(root)
  return root
}

/** Wrong usage ends with its own status, in subcommands too; --help and --version end with 0. */
function endUniformly(command: Command): void {
  command.exitOverride((error: CommanderError) => {
    process.exit(error.exitCode === 0 ? 0 : exitStatus.usage)
  })
  command.configureOutput({
    // One line, as all failures: commander puts what it thinks was meant on a second one.
    outputError: (text, write) => {
      write(
        `${text
          .replace(/^error: /, 'sluice: ')
          .trim()
          .replaceAll('\n', ' ')}\n`,
      )
    },
  })
  for (const subcommand of command.commands) endUniformly(subcommand as Command)
}
