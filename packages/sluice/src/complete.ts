// Complete: what may stand for the word that is being typed: subcommands and options of the command so
// far, the choices of an option or an argument, and names of topics and groups, asked of the broker.

import { Admin } from '@sluice/core/kafka-client/admin'
import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { Command, Option } from 'commander'
import { withCluster } from './client.ts'
import { isFailure } from './failure.ts'

/** Nobody waits longer for a completion. */
const askMs = 1000
const topicWords = ['topic', 'topics', 'partitions']
const groupWords = ['group', 'groups']

/** Candidates that begin with the last of `words`. */
export async function complete(root: Command, words: readonly string[]): Promise<string[]> {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const { command, rest } = commandIn(root, before)
  const candidates = await candidatesOf(command, { rest, before, typed })
  return candidates.filter((candidate) => candidate.startsWith(typed)).sort()
}

function commandIn(root: Command, words: readonly string[]): { command: Command; rest: string[] } {
  let command = root
  const rest = [...words]
  for (;;) {
    const next = command.commands.find((one) => one.name() === rest[0])
    if (next === undefined) return { command, rest }
    command = next
    rest.shift()
  }
}

async function candidatesOf(
  command: Command,
  { rest, before, typed }: { rest: readonly string[]; before: readonly string[]; typed: string },
): Promise<readonly string[]> {
  const pending = command.options.find(
    (option) => takesValue(option) && isCalled(option, rest.at(-1)),
  )
  if (pending !== undefined) {
    return pending.argChoices ?? (await namesOf(pending.attributeName(), before))
  }
  if (typed.startsWith('-')) {
    return ['--help', ...command.options.flatMap((option) => option.long ?? [])]
  }
  const names = command.commands.map((one) => one.name()).filter((name) => !name.startsWith('_'))
  if (names.length > 0) return names
  const given = rest.filter((word, index) => {
    return (
      !word.startsWith('-') &&
      !command.options.some((of) => takesValue(of) && isCalled(of, rest[index - 1]))
    )
  })
  const args = command.registeredArguments
  const argument = args[given.length] ?? (args.at(-1)?.variadic ? args.at(-1) : undefined)
  if (argument === undefined) return []
  return argument.argChoices ?? (await namesOf(argument.name(), before))
}

function isCalled({ long, short }: Option, word: string | undefined): boolean {
  return word !== undefined && (word === long || word === short)
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

async function namesOf(what: string, before: readonly string[]): Promise<string[]> {
  if (topicWords.includes(what)) {
    return ask(before, async (client) => {
      return (await new Admin(client).listTopics()).map(({ name }) => name)
    })
  }
  if (groupWords.includes(what)) {
    return ask(before, async (client) => {
      return (await new GroupAdmin(client).list()).map(({ group }) => group)
    })
  }
  return []
}

/** Of the broker that the line names; nothing where it does not answer soon. */
async function ask(
  before: readonly string[],
  names: (client: KafkaClient) => Promise<string[]>,
): Promise<string[]> {
  const at = before.lastIndexOf('--bootstrap')
  const given = at < 0 ? undefined : before[at + 1]
  const bootstrap = given ?? process.env['SLUICE_BOOTSTRAP'] ?? '127.0.0.1:9092'
  const late = setTimeout(() => process.exit(0), askMs)
  try {
    return await withCluster(bootstrap, names)
  } catch (error) {
    if (isFailure(error)) return []
    throw error
  } finally {
    clearTimeout(late)
  }
}
