// Writes docs/configuration.md, the reference of all configs, from the tables in code; `npm run
// config:reference` runs it, and a test compares what is committed.
//
// Themes and order are those of the tables. A config that does nothing says why in the words of its table.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  type ConfigTable,
  type Definition,
  formatValue,
  intMax,
  longMax,
} from '@sluice/core/config/definition'
import { consumerConfigs, producerConfigs } from '@sluice/core/config/tables/client'
import { clusterConfigs } from '@sluice/core/config/tables/cluster'
import { commandConfigs } from '@sluice/core/config/tables/command'
import { clusterWide, perBroker } from '@sluice/core/config/tables/dynamic'
import { groupConfigs } from '@sluice/core/config/tables/groups'
import { internalConfigs } from '@sluice/core/config/tables/internal'
import { listenerConfigs } from '@sluice/core/config/tables/listeners'
import { logConfigs } from '@sluice/core/config/tables/log'
import { clientMetricsConfigs, groupResourceConfigs } from '@sluice/core/config/tables/resources'
import { retiredConfigs } from '@sluice/core/config/tables/retired'
import { brokerSecurityConfigs, channelConfigs } from '@sluice/core/config/tables/security'
import { sluiceConfigs } from '@sluice/core/config/tables/sluice'
import { brokerSynonyms, topicConfigs } from '@sluice/core/config/tables/topic'
import { variableName } from '@sluice/core/config/variable-name'

const file = path.join(import.meta.dirname, '../../docs/configuration.md')

const brokerThemes: readonly (readonly [string, ConfigTable])[] = [
  ['Listeners, connections and requests', listenerConfigs],
  ['Logs and topics', logConfigs],
  ['Groups and transactions', groupConfigs],
  ['Cluster, replication, tiering, quotas, metrics', clusterConfigs],
  ['Security', brokerSecurityConfigs],
  ["Sluice's own", sluiceConfigs],
  ['Internal to Kafka', internalConfigs],
]

const introduction = `# Configuration reference

Generated from the tables in \`packages/core/src/config/tables\` by \`npm run config:reference\`; a test keeps it so.

Names, types, defaults and legal values are those of Apache Kafka 4.2, and another test compares them with Kafka's
own. A config is set

- in a \`.properties\` file: \`sluice server FILE\`,
- by a variable: \`${variableName('log.retention.hours')}\` is \`log.retention.hours\`,
- on the command line: \`--override name=value\`,
- while the broker runs, where it is marked *live*: \`sluice configs set\`, \`kafka-configs\`. All topic configs are.

Of several places the later one in this list counts. An unknown name or an illegal value stops the start, with file,
line and the nearest known name. What is *accepted, no effect* is named at the start, with the reason given here; what
is [retired](#retired-names) starts with a line that says what replaced it.`

/** The page as it has to be. */
export function configReference(): string {
  const sections = [
    introduction,
    '## Broker configs',
    ...brokerThemes.map(([title, table]) => `### ${title}\n\n${brokerTable(table)}`),
    `## Topic configs

What a topic does not set itself it takes from the broker configs named with it, the first one that is set.`,
    topicTable(),
    `## Configs of groups and of client metrics

Kept and described for each group (\`sluice configs --group\`, \`kafka-configs --entity-type groups\`) and each
subscription (\`kafka-client-metrics\`), whether or not it is there yet.`,
    `### Groups\n\n${plainTable(groupResourceConfigs)}`,
    `### Client metrics\n\n${plainTable(clientMetricsConfigs)}`,
    `## Producer and consumer configs of the commands

For \`-X name=value\` of \`sluice produce\` and \`sluice consume\`; also
the \`ssl.\` and \`sasl.\` names of brokers.`,
    `### Producer\n\n${clientTable(producerConfigs)}`,
    `### Consumer\n\n${clientTable(consumerConfigs)}`,
    `### Commands\n\nBy variable only: ${Object.keys(commandConfigs).map(commandText).join(', ')}.`,
    `## Retired names\n\nOlder Kafkas knew these. A broker starts with them, and says this:`,
    retiredTable(),
  ]
  return `${sections.join('\n\n')}\n`
}

function brokerTable(table: ConfigTable): string {
  const live = (name: string) => {
    if (clusterWide.has(name)) return ' *live*'
    return perBroker.has(name) ? ' *live, of one broker*' : ''
  }
  return markdown(
    ['Name', 'Type', 'Default', 'Legal', 'What it does'],
    rowsOf(table, (name) => `\`${name}\`${live(name)}`),
  )
}

function topicTable(): string {
  const rows = rowsOf(topicConfigs, (name) => `\`${name}\``).map((row, index) => {
    const synonyms = brokerSynonyms[Object.keys(topicConfigs)[index]] ?? []
    const behind = synonyms.map(({ name }) => `\`${name}\``).join(', ')
    return [...row.slice(0, 4), behind, row[4]]
  })
  return markdown(['Name', 'Type', 'Default', 'Legal', 'Broker configs', 'What it does'], rows)
}

/** Without what stands in the table of security. */
function clientTable(table: ConfigTable): string {
  const own = Object.entries(table).filter(([name]) => !Object.hasOwn(channelConfigs, name))
  return plainTable(Object.fromEntries(own))
}

function plainTable(table: ConfigTable): string {
  const rows = rowsOf(table, (name) => `\`${name}\``)
  return markdown(['Name', 'Type', 'Default', 'Legal', 'What it does'], rows)
}

function retiredTable(): string {
  const rows = Object.entries(retiredConfigs).map(([name, why]) => [`\`${name}\``, why])
  return markdown(['Name', 'What replaced it'], rows)
}

function commandText(name: string): string {
  return `\`${variableName(name)}\` (\`--${name.replace(/^sluice\./, '')}\`)`
}

function rowsOf(table: ConfigTable, nameText: (name: string) => string): string[][] {
  return Object.entries(table).map(([name, definition]) => {
    const { type, doc, effect } = definition
    const words =
      effect === 'implemented' ? doc : `${doc} *Accepted, no effect, ${effect.noEffect}.*`
    return [nameText(name), type, defaultText(definition), legalText(definition), words]
  })
}

function defaultText({ default: value }: Definition<unknown>): string {
  if (value === null) return ''
  const text = formatValue(value)
  return text === '' ? 'empty' : `\`${text}\``
}

function legalText(definition: Definition<unknown>): string {
  const { values, min, max, also, form, nonEmpty, ignoreCase } = definition
  if (values !== undefined) return `${values.join(', ')}${ignoreCase ? ' (any case)' : ''}`
  if (form !== undefined) return form.words
  if (also !== undefined) return `${min} to ${max}, or ${also}`
  if (max !== undefined && max !== intMax && max !== longMax) return `${min} to ${max}`
  if (min !== undefined) return `${min} or more`
  return nonEmpty ? 'not empty' : ''
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`
  return [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line)].join('\n')
}

/** A bar would end its cell. */
function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|')
}

if (import.meta.main) writeFileSync(file, configReference())
