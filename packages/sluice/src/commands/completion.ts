// `sluice completion`: the script by which a shell completes what is typed. The script itself asks
// `sluice __complete`, so that it knows every command, option, topic and group there is.

import { Argument, Command } from 'commander'
import { completionScript, shells } from '../completion-script.ts'
import { examples } from '../help.ts'

export function completionCommand(): Command {
  return new Command('completion')
    .description('print a script by which your shell completes commands, topics and groups')
    .addArgument(new Argument('<shell>', 'yours').choices(shells))
    .addHelpText(
      'after',
      examples(
        'source <(sluice completion bash)    # in ~/.bashrc',
        'source <(sluice completion zsh)     # in ~/.zshrc, after compinit',
        'sluice completion fish > ~/.config/fish/completions/sluice.fish',
      ),
    )
    .action((shell: (typeof shells)[number]) => {
      process.stdout.write(completionScript(shell))
    })
}

/** What the scripts call: the words after `sluice`, of which the last is being typed. */
export function completeCommand(root: () => Command): Command {
  return new Command('__complete')
    .argument('[words...]')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: string[]) => {
      const { complete } = await import('../complete.ts')
      for (const candidate of await complete(root(), words)) process.stdout.write(`${candidate}\n`)
    })
}
