// What `sluice configs` asks and does at the broker, and how it prints it.

import { Admin } from '@sluice/core/kafka-client/admin'
import {
  type ConfigChange,
  type ConfigEntry,
  type ConfigResource,
  configSources,
} from '@sluice/core/kafka-client/configs'
import { withCluster } from './client.ts'
import { type ChangeOptions, type GetOptions, resourceOf } from './commands/configs.ts'
import { Failure, usageFailure } from './failure.ts'
import { refuseFailed } from './outcome.ts'
import { print, printJson } from './output.ts'
import { table } from './table.ts'

/** Values that nobody set come from the file the broker was started with, or are defaults. */
const startOfBroker = 4
const defaultSource = 5

export async function getConfigs(names: readonly string[], options: GetOptions): Promise<void> {
  const resource = resourceOf(options)
  await withCluster(options.bootstrap, async (client) => {
    const found = await describe(new Admin(client), resource, { names, verbose: options.verbose })
    const missing = names.filter((name) => !found.some((entry) => entry.name === name))
    if (missing.length > 0) {
      throw new Failure(`${nameOf(resource)} has no config ${missing.join(', ')}`)
    }
    const wanted = options.all || names.length > 0 ? found : found.filter(isSet)
    if (options.json) printJson(wanted.map(toJson))
    else if (options.verbose) print(wanted.map(verboseText).join('\n\n'))
    else if (wanted.length > 0) print(configTable(wanted))
  })
}

export async function setConfigs(
  changes: readonly string[],
  options: ChangeOptions,
): Promise<void> {
  await change(changes.map(parseChange), options)
}

export async function unsetConfigs(
  names: readonly string[],
  options: ChangeOptions,
): Promise<void> {
  await change(
    names.map((name) => ({ change: 'delete', name, value: null })),
    options,
  )
}

async function change(changes: readonly ConfigChange[], options: ChangeOptions): Promise<void> {
  const resource = resourceOf(options)
  const { bootstrap, dryRun: validateOnly = false, json } = options
  await withCluster(bootstrap, async (client) => {
    const admin = new Admin(client)
    const outcomes = await admin.alterConfigs([{ ...resource, changes }], { validateOnly })
    refuseFailed(outcomes.map((outcome) => ({ ...outcome, what: nameOf(resource) })))
    const set = (await describe(admin, resource, {})).filter(isSet)
    if (json) printJson(set.map(toJson))
    else if (validateOnly) print(`${nameOf(resource)} can be altered so`)
    else
      print(set.length === 0 ? `${nameOf(resource)} has no configs of its own` : configTable(set))
  })
}

async function describe(
  admin: Admin,
  resource: ConfigResource,
  { names, verbose = false }: { names?: readonly string[]; verbose?: boolean },
): Promise<readonly ConfigEntry[]> {
  const [described] = await admin.describeConfigs([resource], {
    names: names?.length === 0 ? undefined : names,
    synonyms: true,
    documentation: verbose,
  })
  refuseFailed([{ ...described, what: nameOf(resource) }])
  return [...described.configs].sort((a, b) => (a.name < b.name ? -1 : 1))
}

const changeForm = /^([\w.-]*?\w)(\+=|-=|=)(.*)$/s

function parseChange(text: string): ConfigChange {
  const match = changeForm.exec(text)
  if (match === null) throw usageFailure(`'${text}' is not of the form name=value`)
  const [, name, operator, value] = match
  const kinds = { '=': 'set', '+=': 'append', '-=': 'subtract' } as const
  return { change: kinds[operator as keyof typeof kinds], name, value }
}

/** Set for this resource, by somebody. */
function isSet({ source }: ConfigEntry): boolean {
  return source !== defaultSource && source !== startOfBroker
}

function nameOf({ type, name }: ConfigResource): string {
  if (type === 'broker' && name === '') return 'all brokers'
  return type === 'client-metrics' ? `client ${name}` : `${type} ${name}`
}

function configTable(entries: readonly ConfigEntry[]): string {
  const columns = ['CONFIG', 'VALUE', 'SOURCE'].map((title) => ({ title }))
  return table(
    columns,
    entries.map((entry) => [entry.name, valueText(entry), sourceText(entry.source)]),
  )
}

function verboseText(entry: ConfigEntry): string {
  const { name, source, type, readOnly, synonyms, documentation } = entry
  const behind = synonyms.map((of) => {
    return `${of.name}=${entry.sensitive ? '(hidden)' : (of.value ?? '')} (${sourceText(of.source)})`
  })
  return [
    `${name} = ${valueText(entry)}`,
    `  from      ${sourceText(source)}`,
    `  type      ${type}${readOnly ? ', only by a restart' : ''}`,
    ...(behind.length === 0 ? [] : [`  in order  ${behind.join(', ')}`]),
    ...(documentation === null ? [] : [`  does      ${documentation}`]),
  ].join('\n')
}

function valueText({ value, sensitive }: ConfigEntry): string {
  return sensitive ? '(hidden)' : (value ?? '')
}

function sourceText(source: number): string {
  return configSources.get(source) ?? `source ${source}`
}

function toJson(entry: ConfigEntry) {
  const { source, synonyms, ...rest } = entry
  return {
    ...rest,
    source: sourceText(source),
    synonyms: synonyms.map((of) => ({ ...of, source: sourceText(of.source) })),
  }
}
