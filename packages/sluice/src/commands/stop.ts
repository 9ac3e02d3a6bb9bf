// `sluice stop`: ends the broker that works in a data folder, in good order.

import path from 'node:path'
import type { ConfigEntry } from '@sluice/core/config/config-entry'
import { Command } from 'commander'
import { configOption, durationMs } from '../arguments.ts'
import { Failure } from '../failure.ts'
import { examples } from '../help.ts'
import { print, printJson } from '../output.ts'

interface StopOptions {
  data?: string
  override?: ConfigEntry[]
  timeout: number
  json?: boolean
}

const pollMs = 20

export function stopCommand(): Command {
  return new Command('stop')
    .description('stop the broker that was started with this file, or works in this folder')
    .argument('[file]', 'the .properties file that it was started with')
    .option('--data <folder>', 'its data folder (default: .sluice)')
    .option('--override <name=value>', 'as it was started with', configOption('--override'))
    .option('--timeout <time>', 'how long it may take', durationMs, 60_000)
    .option('--json', 'print the process as one line of JSON')
    .addHelpText('after', examples('sluice stop', 'sluice stop server.properties --timeout 5m'))
    .action(stop)
}

async function stop(file: string | undefined, options: StopOptions): Promise<void> {
  const folder = await folderToStop(file, options)
  const { dataFolderOwner } = await import('../data-folder.ts')
  const pid = dataFolderOwner(folder)
  if (pid === undefined) throw new Failure(`no broker works in ${folder}`)
  process.kill(pid, 'SIGTERM')
  const deadline = performance.now() + options.timeout
  while (dataFolderOwner(folder) === pid) {
    if (performance.now() > deadline) {
      throw new Failure(`process ${pid} did not end in ${options.timeout} ms`, {
        hint: `kill -9 ${pid} ends it at once; its log is recovered at the next start`,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  if (options.json) printJson({ pid, data: folder })
  else print(`sluice: process ${pid} has ended`)
}

async function folderToStop(file: string | undefined, options: StopOptions): Promise<string> {
  if (options.data !== undefined || (file === undefined && options.override === undefined)) {
    return path.resolve(options.data ?? '.sluice')
  }
  const { brokerSettings } = await import('../broker-settings.ts')
  return brokerSettings({ file, overrides: options.override ?? [] }).dataFolder
}
