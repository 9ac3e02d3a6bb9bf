// What `sluice groups` asks and does at the broker, and how it prints it.

import { Admin } from '@sluice/core/kafka-client/admin'
import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import { errors } from '@sluice/protocol/errors'
import { withCluster } from './client.ts'
import type {
  DeleteOffsetsOptions,
  DescribeOptions,
  GroupsOptions,
  ListOptions,
} from './commands/groups.ts'
import { groupsTable, lagText, membersText, statesTable } from './group-text.ts'
import { refuseFailed } from './outcome.ts'
import { print, printJson } from './output.ts'
import { outcomesOf, partitionsIn, placeName } from './partition-scope.ts'

export async function listGroups({ bootstrap, state, type, json }: ListOptions): Promise<void> {
  await withCluster(bootstrap, async (client) => {
    const groups = await new GroupAdmin(client).list({ states: state, types: type })
    if (json) printJson(groups)
    else if (groups.length > 0) print(groupsTable(groups))
  })
}

export async function describeGroups(
  names: readonly string[],
  { bootstrap, members, state, json }: DescribeOptions,
): Promise<void> {
  await withCluster(bootstrap, async (client) => {
    const admin = new GroupAdmin(client)
    const all = async () => (await admin.list()).map(({ group }) => group)
    const groups = await admin.lag(names.length > 0 ? names : await all())
    // What was listed may be gone by now; what was named must be there.
    const found = groups.filter(({ error }) => error === errors.NONE)
    if (json) printJson(found.map(({ error: _, message: __, ...group }) => group))
    else if (state) {
      if (found.length > 0) print(statesTable(found))
    } else if (found.length > 0) {
      print(found.map(members ? membersText : lagText).join('\n\n'))
    }
    if (names.length > 0) {
      refuseFailed(groups.map(({ group, error }) => ({ what: `group ${group}`, error })))
    }
  })
}

export async function deleteOffsets(
  group: string,
  { bootstrap, topic, json }: DeleteOffsetsOptions,
): Promise<void> {
  await withCluster(bootstrap, async (client) => {
    const places = await partitionsIn(new Admin(client), topic)
    const answers = await new GroupAdmin(client).deleteOffsets(group, places)
    const done = answers
      .filter(({ error }) => error === errors.NONE)
      .map(({ topic: of, partition }) => ({ topic: of, partition }))
    if (json) printJson(done)
    else for (const place of done) print(`${placeName(place)}: nothing is committed any more`)
    refuseFailed(outcomesOf(answers))
  })
}

export async function deleteGroups(
  names: readonly string[],
  { bootstrap, json }: GroupsOptions,
): Promise<void> {
  await withCluster(bootstrap, async (client) => {
    const outcomes = await new GroupAdmin(client).delete(names)
    const deleted = outcomes.filter(({ error }) => error === errors.NONE).map(({ group }) => group)
    if (json) printJson(deleted)
    else for (const group of deleted) print(`group ${group} is deleted`)
    refuseFailed(outcomes.map(({ group, error }) => ({ what: `group ${group}`, error })))
  })
}
