// `sluice dev`: a broker and its HTTP gateway for development, on one port of this machine.

import { existsSync } from 'node:fs'
import path from 'node:path'
import type { ConfigEntry } from '@sluice/core/config/config-entry'
import { Command } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { configOption, wholeNumber } from '../arguments.ts'
import type { Composition } from '../compose.ts'
import { devConfigs } from '../dev-configs.ts'
import { usageFailure } from '../failure.ts'
import { examples } from '../help.ts'
import { print, printJson } from '../output.ts'

interface DevOptions {
  port: number
  host: string
  advertise?: string
  data: string
  memory?: boolean
  brokers: number
  override?: ConfigEntry[]
  insecure?: boolean
  json?: boolean
}

const portMax = 65_535
const brokersMax = 100

export function devCommand(): Command {
  return new Command('dev')
    .description('run a broker and its HTTP gateway for development, on one port')
    .option(
      '--port <number>',
      'port for Kafka and HTTP; 0 picks one',
      wholeNumber({ min: 0, max: portMax }),
      9092,
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--advertise <host>', 'host that clients are told to connect to')
    .option('--data <folder>', 'folder of the data', '.sluice')
    .option('--memory', 'keep everything in memory')
    .option('--brokers <number>', 'how many brokers', wholeNumber({ min: 1, max: brokersMax }), 1)
    .option(
      '--override <name=value>',
      'set a broker config; any number of times',
      configOption('--override'),
    )
    .option('--insecure', 'allow other machines in without TLS and authentication')
    .option('--json', 'print where things run as one line of JSON')
    .addHelpText(
      'after',
      examples(
        'sluice dev',
        'sluice dev --port 9192 --memory',
        'sluice dev --override num.partitions=3 --override log.retention.hours=1',
      ),
    )
    .action(dev)
}

async function dev(options: DevOptions): Promise<void> {
  if (options.brokers > 1) {
    throw usageFailure(`--brokers ${options.brokers}: more than one broker is not there yet`)
  }
  const { brokerSettings } = await import('../broker-settings.ts')
  const { startBrokerProcess } = await import('../broker-process.ts')
  const settings = brokerSettings({
    defaults: devDefaults(options),
    overrides: options.override ?? [],
  })
  const composition = await startBrokerProcess({
    settings,
    storage: options.memory ? 'memory' : 'disk',
    insecure: options.insecure ?? false,
    logLevel: 'WARN',
  })
  const data = options.memory ? undefined : settings.dataFolder
  if (options.json) printJson({ ...placesOf(composition), data: data ?? null })
  else print(welcome(composition, data))
}

function devDefaults({ host, port, advertise, data }: DevOptions): Record<string, string> {
  const bracketed = (name: string) => (name.includes(':') ? `[${name}]` : name)
  return {
    listeners: `PLAINTEXT://${bracketed(host)}:${port}`,
    ...(advertise && { 'advertised.listeners': `PLAINTEXT://${bracketed(advertise)}:${port}` }),
    'log.dirs': path.resolve(data),
    ...devConfigs,
  }
}

function placesOf({ bootstrapServers, httpUrl }: Composition) {
  return { bootstrapServers, httpUrl, pid: process.pid }
}

function welcome(composition: Composition, dataFolder: string | undefined): string {
  const { bootstrapServers, httpUrl } = composition
  const shown = dataFolder === undefined ? 'in memory' : `./${path.relative('', dataFolder)}`
  return [
    `sluice ${packageJson.version} is ready`,
    '',
    `  Kafka  ${bootstrapServers}`,
    `  HTTP   ${httpUrl}`,
    `  data   ${shown.startsWith('./..') ? dataFolder : shown}`,
    '',
    'Try, in another terminal:',
    ...tryLines(composition).map((line) => `  $ ${line}`),
    '',
    'Stop with Ctrl-C.',
  ].join('\n')
}

/** Lines that work when they are pasted: only tools that this machine has. */
function tryLines({ bootstrapServers, httpUrl }: Composition): string[] {
  const [first] = bootstrapServers.split(',')
  const at = first === '127.0.0.1:9092' ? '' : ` --bootstrap ${first}`
  const lines = [
    `echo hello | npx sluice produce greetings${at}`,
    `npx sluice consume greetings --from-beginning --until-end${at}`,
  ]
  if (isInstalled('curl')) {
    const records = `${httpUrl}/v1/topics/greetings/records`
    lines.push(
      `curl -H 'Content-Type: text/plain' -d 'hello over HTTP' ${records}`,
      `curl '${records}?from=earliest'`,
    )
  }
  if (isInstalled('kcat')) {
    lines.push(`kcat -b ${first} -t greetings -C -o beginning -e -q`)
  }
  return lines
}

function isInstalled(tool: string): boolean {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  return folders.some((folder) => existsSync(path.join(folder, tool)))
}
