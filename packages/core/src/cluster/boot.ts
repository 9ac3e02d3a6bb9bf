// Boot: from the table to an image. The first broker of all founds the cluster; every later one reads
// what is there. Remains of a topic whose creation or deletion was cut short are told apart here and
// finished by the controller.

import type { Random } from '../host/random.ts'
import type { Item, Table } from '../host/table.ts'
import type { Change, PartitionImage } from './image.ts'
import {
  featuresKey,
  quotasPartition,
  readBroker,
  readConfigs,
  readFeatures,
  readPartition,
  readQuotas,
  readTopic,
  readVersion,
  type TopicState,
  topicPartition,
  type VersionState,
  versionItem,
  versionKey,
} from './items.ts'

/** Topics whose partitions are read side by side. */
const topicsAtOnce = 16

/** The data folder belongs to another cluster than the table. */
export class ClusterIdError extends Error {
  override readonly name = 'ClusterIdError'

  constructor(ofTable: string, ofFolder: string) {
    super(
      `the log directory belongs to cluster ${ofFolder}, the metadata table to cluster ${ofTable}: ` +
        'start with the directory and the table of one cluster',
    )
  }
}

export interface Boot {
  readonly changes: Change[]
  /** Topics that are not live: neither named nor served. */
  readonly remains: TopicState[]
}

/** Makes `nodeId` the controller in a new epoch; founds the cluster if there is none. @throws ClusterIdError */
export async function takeOver(
  table: Table,
  random: Random,
  options: { nodeId: number; clusterId?: string },
): Promise<VersionState & { founded: boolean }> {
  let founded = false
  for (;;) {
    const found = await table.get(versionKey)
    if (!found) {
      const clusterId = options.clusterId ?? random.uuid()
      const first = { version: 0, controllerEpoch: 0, controllerId: options.nodeId, clusterId }
      const item = versionItem(first)
      const result = await table.write({ kind: 'put', item, condition: { exists: false } })
      founded = result.ok
      continue
    }
    const before = readVersion(found)
    const { version } = before
    const { clusterId } = options
    if (clusterId !== undefined && clusterId !== before.clusterId) {
      throw new ClusterIdError(before.clusterId, clusterId)
    }
    const controllerEpoch = before.controllerEpoch + 1
    const condition = { equals: { version, controllerEpoch: before.controllerEpoch } }
    const set = { controllerEpoch, controllerId: options.nodeId }
    const result = await table.write({ kind: 'update', key: versionKey, set, condition })
    if (result.ok) return { ...before, ...set, founded }
  }
}

/** Everything there is, as changes to an empty image. */
export async function readAll(table: Table): Promise<Boot> {
  const [topicItems, brokerItems, configItems, quotaItems, features] = await Promise.all([
    queryAll(table, 'topics'),
    queryAll(table, 'brokers'),
    queryAll(table, 'configs'),
    queryAll(table, quotasPartition),
    table.get(featuresKey),
  ])
  const states = topicItems.map(readTopic)
  const live = states.filter(({ state }) => state === 'live')
  const changes: Change[] = brokerItems.map((item) => ({
    kind: 'broker',
    broker: readBroker(item),
  }))
  for (let i = 0; i < live.length; i += topicsAtOnce) {
    const slice = live.slice(i, i + topicsAtOnce)
    changes.push(
      ...(await Promise.all(slice.map((state) => readTopicChanges(table, state)))).flat(),
    )
  }
  for (const item of configItems) changes.push({ kind: 'configs', ...readConfigs(item) })
  for (const item of quotaItems) changes.push({ kind: 'quotas', ...readQuotas(item) })
  if (features) changes.push({ kind: 'features', levels: readFeatures(features) })
  return { changes, remains: states.filter(({ state }) => state !== 'live') }
}

async function readTopicChanges(table: Table, state: TopicState): Promise<Change[]> {
  const items = await queryAll(table, topicPartition(state.id), 'p#')
  // More are there if adding partitions was cut short; they do not count.
  const partitions: PartitionImage[] = items.slice(0, state.partitions).map(readPartition)
  if (partitions.length < state.partitions) {
    throw new Error(`topic ${state.name} lacks partitions in the metadata table`)
  }
  const { id, name, internal, configs } = state
  return [
    { kind: 'topic', topic: { id, name, internal, partitions } },
    { kind: 'configs', scope: 'topic', name, overrides: configs },
  ]
}

export async function queryAll(
  table: Table,
  partition: string,
  sortPrefix?: string,
): Promise<Item[]> {
  const items: Item[] = []
  let after: string | undefined
  do {
    const page = await table.query(partition, { sortPrefix, after })
    items.push(...page.items)
    after = page.next
  } while (after !== undefined)
  return items
}
