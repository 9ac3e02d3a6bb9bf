// `sluice server <file.properties>`: a broker by Kafka's own kind of configuration file.

import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import type { ConfigEntry } from '@sluice/core/config/config-entry'
import { Command } from 'commander'
import { configOption } from '../arguments.ts'
import { Failure } from '../failure.ts'
import { examples } from '../help.ts'
import { print, printJson } from '../output.ts'

interface ServerOptions {
  override?: ConfigEntry[]
  daemon?: boolean
  insecure?: boolean
  json?: boolean
}

const logName = 'sluice.log'

export function serverCommand(): Command {
  return new Command('server')
    .description("run a broker by a server.properties file of Kafka's")
    .argument('<file>', 'the .properties file')
    .option(
      '--override <name=value>',
      'set a broker config; any number of times',
      configOption('--override'),
    )
    .option('--daemon', `go on in the background; output goes to ${logName} in the log directory`)
    .option('--insecure', 'allow other machines in without TLS and authentication')
    .option('--json', 'print where things run as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice server config/server.properties',
        'sluice server server.properties --daemon --override log.dirs=/var/lib/sluice',
      ),
    )
    .action(server)
}

async function server(file: string, options: ServerOptions): Promise<void> {
  const { brokerSettings } = await import('../broker-settings.ts')
  const settings = brokerSettings({ file, overrides: options.override ?? [] })
  if (options.daemon) return startDaemon(settings.dataFolder, options)
  const { startBrokerProcess } = await import('../broker-process.ts')
  const { bootstrapServers, httpUrl } = await startBrokerProcess({
    settings,
    storage: 'disk',
    insecure: options.insecure ?? false,
    logLevel: 'INFO',
  })
  const places = { bootstrapServers, httpUrl, pid: process.pid, data: settings.dataFolder }
  if (options.json) printJson(places)
  else print(`sluice: ready, Kafka at ${bootstrapServers}, HTTP at ${httpUrl}`)
  process.send?.(places, () => process.disconnect())
}

/** Starts the same command again, detached, and waits until it is ready or has ended. */
async function startDaemon(dataFolder: string, options: ServerOptions): Promise<void> {
  const log = path.join(dataFolder, logName)
  mkdirSync(dataFolder, { recursive: true })
  const output = openSync(log, 'a')
  const args = process.argv.slice(1).filter((argument) => argument !== '--daemon')
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  })
  const places = await new Promise<object>((resolve, reject) => {
    child.once('message', (message) => resolve(message as object))
    child.once('error', reject)
    child.once('exit', (status, signal) => {
      reject(
        new Failure(`the broker ended at once (${signal ?? `status ${status}`})`, {
          hint: `${log} says why`,
        }),
      )
    })
  })
  child.removeAllListeners()
  child.unref()
  if (options.json) printJson({ ...places, log })
  else print(`sluice: started as process ${child.pid}; its output goes to ${log}`)
}
