// How groups are printed: lists, lag and members as tables.

import type { ListedGroup } from '@sluice/core/kafka-client/group-admin'
import type { MemberDescription } from '@sluice/core/kafka-client/group-description'
import type { GroupLag } from '@sluice/core/kafka-client/group-lag'
import { byTopic, type TopicPartition } from '@sluice/core/kafka-client/topic-partition'
import { type Cell, table } from './table.ts'

export function groupsTable(groups: readonly ListedGroup[]): string {
  const columns = ['GROUP', 'STATE', 'TYPE', 'PROTOCOL'].map((title) => ({ title }))
  return table(
    [...columns, { title: 'COORDINATOR', right: true }],
    groups.map(({ group, state, type, protocolType, coordinator }) => {
      return [group, state, type, protocolType, coordinator]
    }),
  )
}

export function statesTable(groups: readonly GroupLag[]): string {
  return table(
    [
      { title: 'GROUP' },
      { title: 'STATE' },
      { title: 'ASSIGNOR' },
      { title: 'MEMBERS', right: true },
      { title: 'LAG', right: true },
      { title: 'COORDINATOR', right: true },
    ],
    groups.map((of) => {
      return [of.group, of.state, of.protocol, of.members.length, lagOf(of), of.coordinator]
    }),
  )
}

/** A line about the group, then a line for each partition. */
export function lagText(group: GroupLag): string {
  if (group.partitions.length === 0) return `${headLine(group)}, no offsets`
  const rows = group.partitions.map(({ topic, partition, committed, end, lag, member }): Cell[] => {
    const reader = [member?.memberId, member?.clientId, member?.host].map((of) => of ?? null)
    return [topic, partition, committed, end, lag, ...reader]
  })
  const numbers = ['PARTITION', 'COMMITTED', 'END', 'LAG'].map((title) => ({ title, right: true }))
  const reader = ['MEMBER', 'CLIENT', 'HOST'].map((title) => ({ title }))
  return `${headLine(group)}\n${table([{ title: 'TOPIC' }, ...numbers, ...reader], rows)}`
}

export function membersText(group: GroupLag): string {
  if (group.members.length === 0) return headLine(group)
  const columns = ['MEMBER', 'INSTANCE', 'CLIENT', 'HOST', 'ASSIGNMENT'].map((title) => ({ title }))
  return `${headLine(group)}\n${table(columns, group.members.map(memberRow))}`
}

function memberRow(member: MemberDescription): Cell[] {
  const { memberId, instanceId, clientId, host, assignment } = member
  return [memberId, instanceId, clientId, host, assignmentText(assignment)]
}

function headLine(group: GroupLag): string {
  const { state, members, protocol, coordinator } = group
  const parts = [
    `group ${group.group}: ${state}`,
    `${members.length} ${members.length === 1 ? 'member' : 'members'}`,
    ...(protocol === '' ? [] : [`assignor ${protocol}`]),
    `coordinator ${coordinator}`,
  ]
  const lag = lagOf(group)
  return [...parts, ...(lag === null ? [] : [`lag ${lag}`])].join(', ')
}

/** Of all partitions whose lag is known; null where none is. */
function lagOf({ partitions }: GroupLag): number | null {
  const known = partitions.flatMap(({ lag }) => lag ?? [])
  return known.length === 0 ? null : known.reduce((sum, lag) => sum + lag, 0)
}

/** orders:0,1 payments:2 */
function assignmentText(assignment: readonly TopicPartition[]): string {
  return [...byTopic(assignment)]
    .map(([topic, of]) => `${topic}:${of.map(({ partition }) => partition).join(',')}`)
    .join(' ')
}
