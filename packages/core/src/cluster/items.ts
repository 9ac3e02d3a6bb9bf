// The items of the metadata table: their keys, and each between its value and what the image holds.
//
//   meta/version          { version, controllerEpoch, controllerId, clusterId }     the fence
//   names/<topic name>    { id }                          goes at once when the topic is deleted
//   topics/<id>           { name, partitions, internal, configs, state }
//   t#<id>/p#<n>          { leader, leaderEpoch, partitionEpoch, replicas, isr, ... }
//   brokers/<id>          { epoch, directoryId, rack, endpoints, fenced }
//   configs/<scope>#<name>  { overrides }                 brokers, groups, clients
//   quotas/<entity>       { values }                      as quota-entity.ts names them
//   meta/features         { levels }                      those that were altered
//   pids/next             { next }
//   log/<version>         { nonce, changes }              what a transaction did, for those who follow
//
// Values were written by us, but maybe by another release: each is checked where it is read.

import type { Item, ItemKey, Json } from '../host/table.ts'
import type { FeatureLevels } from './features.ts'
import type {
  BrokerImage,
  Change,
  ConfigOverrides,
  ConfigScope,
  Endpoint,
  PartitionImage,
  QuotaSetting,
} from './image.ts'
import {
  type QuotaEntity,
  type QuotaValues,
  quotaEntityKey,
  readQuotaEntityKey,
} from './quota-entity.ts'

export const versionKey: ItemKey = { partition: 'meta', sort: 'version' }
export const featuresKey: ItemKey = { partition: 'meta', sort: 'features' }
export const producerIdsKey: ItemKey = { partition: 'pids', sort: 'next' }

const versionDigits = 16
const partitionDigits = 6

export const nameKey = (name: string): ItemKey => ({ partition: 'names', sort: name })
export const topicKey = (id: string): ItemKey => ({ partition: 'topics', sort: id })
export const brokerKey = (id: number): ItemKey => ({ partition: 'brokers', sort: String(id) })
export const topicPartition = (id: string): string => `t#${id}`

export function partitionKey(id: string, index: number): ItemKey {
  return { partition: topicPartition(id), sort: `p#${padded(index, partitionDigits)}` }
}

export function configsKey(scope: ConfigScope, name: string): ItemKey {
  return { partition: 'configs', sort: `${scope}#${name}` }
}

export const quotasPartition = 'quotas'

export function quotasKey(entity: QuotaEntity): ItemKey {
  return { partition: quotasPartition, sort: quotaEntityKey(entity) }
}

/** Sorts by version. */
export function logKey(version: number): ItemKey {
  return { partition: 'log', sort: padded(version, versionDigits) }
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}

export interface VersionState {
  readonly version: number
  readonly controllerEpoch: number
  readonly controllerId: number
  readonly clusterId: string
}

export interface TopicState {
  readonly id: string
  readonly name: string
  readonly partitions: number
  readonly internal: boolean
  readonly configs: ConfigOverrides
  /** Only a live topic has its name. Others are remains of a creation or deletion not finished. */
  readonly state: 'creating' | 'live' | 'deleting'
}

export function versionItem(state: VersionState): Item {
  return { ...versionKey, value: { ...state } }
}

export function topicItem(state: TopicState): Item {
  const { id, name, partitions, internal, configs } = state
  const value = { name, partitions, internal, configs: { ...configs }, state: state.state }
  return { ...topicKey(id), value }
}

export function partitionItem(topicId: string, partition: PartitionImage): Item {
  return { ...partitionKey(topicId, partition.index), value: partitionValue(partition) }
}

export function brokerItem(broker: BrokerImage): Item {
  return { ...brokerKey(broker.id), value: brokerValue(broker) }
}

export function configsItem(scope: ConfigScope, name: string, overrides: ConfigOverrides): Item {
  return { ...configsKey(scope, name), value: { overrides: { ...overrides } } }
}

export function quotasItem(entity: QuotaEntity, values: QuotaValues): Item {
  return { ...quotasKey(entity), value: { values: { ...values } } }
}

export function featuresItem(levels: FeatureLevels): Item {
  return { ...featuresKey, value: { levels: { ...levels } } }
}

export function logItem(version: number, nonce: string, changes: readonly Change[]): Item {
  return { ...logKey(version), value: { nonce, changes: changes.map(changeValue) } }
}

export function readVersion({ value }: Item): VersionState {
  return {
    version: number(value['version'], 'version'),
    controllerEpoch: number(value['controllerEpoch'], 'controllerEpoch'),
    controllerId: number(value['controllerId'], 'controllerId'),
    clusterId: string(value['clusterId'], 'clusterId'),
  }
}

export function readTopic(item: Item): TopicState {
  const { value } = item
  const { state } = value
  return {
    id: item.sort,
    name: string(value['name'], 'name'),
    partitions: number(value['partitions'], 'partitions'),
    internal: value['internal'] === true,
    configs: strings(value['configs'], 'configs'),
    state: state === 'creating' || state === 'deleting' ? state : 'live',
  }
}

export function readPartition({ value }: Item): PartitionImage {
  return {
    index: number(value['index'], 'index'),
    leader: number(value['leader'], 'leader'),
    leaderEpoch: number(value['leaderEpoch'], 'leaderEpoch'),
    partitionEpoch: number(value['partitionEpoch'], 'partitionEpoch'),
    replicas: numbers(value['replicas'], 'replicas'),
    isr: numbers(value['isr'], 'isr'),
    elr: numbers(value['elr'], 'elr'),
    lastKnownElr: numbers(value['lastKnownElr'], 'lastKnownElr'),
    addingReplicas: numbers(value['addingReplicas'], 'addingReplicas'),
    removingReplicas: numbers(value['removingReplicas'], 'removingReplicas'),
  }
}

export function readBroker(item: Item): BrokerImage {
  const { value } = item
  const { rack, endpoints } = value
  return {
    id: Number(item.sort),
    epoch: number(value['epoch'], 'epoch'),
    directoryId: string(value['directoryId'], 'directoryId'),
    rack: rack === null ? null : string(rack, 'rack'),
    endpoints: array(endpoints, 'endpoints').map(readEndpoint),
    fenced: value['fenced'] === true,
  }
}

export function readConfigs(item: Item): {
  scope: ConfigScope
  name: string
  overrides: ConfigOverrides
} {
  const hash = item.sort.indexOf('#')
  const scope = item.sort.slice(0, hash) as ConfigScope
  const overrides = strings(item.value['overrides'], 'overrides')
  return { scope, name: item.sort.slice(hash + 1), overrides }
}

export function readQuotas({ sort, value }: Item): QuotaSetting {
  return { entity: readQuotaEntityKey(sort), values: numbersByName(value['values'], 'values') }
}

export function readFeatures({ value }: Item): FeatureLevels {
  return numbersByName(value['levels'], 'levels')
}

/** The nonce of the transaction that made the entry. */
export function readNonce({ value }: Item): string {
  return string(value['nonce'], 'nonce')
}

export function readProducerIds({ value }: Item): number {
  return number(value['next'], 'next')
}

function partitionValue(partition: PartitionImage): { [name: string]: Json } {
  return {
    index: partition.index,
    leader: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    replicas: [...partition.replicas],
    isr: [...partition.isr],
    elr: [...partition.elr],
    lastKnownElr: [...partition.lastKnownElr],
    addingReplicas: [...partition.addingReplicas],
    removingReplicas: [...partition.removingReplicas],
  }
}

function brokerValue(broker: BrokerImage): { [name: string]: Json } {
  const { epoch, directoryId, rack, endpoints, fenced } = broker
  return { epoch, directoryId, rack, endpoints: endpoints.map((one) => ({ ...one })), fenced }
}

function changeValue(change: Change): { [name: string]: Json } {
  switch (change.kind) {
    case 'topic': {
      const { id, name, internal, partitions } = change.topic
      return { kind: 'topic', topic: topicValue({ id, name, internal }, partitions) }
    }
    case 'partitions':
      return { ...change, partitions: change.partitions.map(partitionValue) }
    case 'broker':
      return { kind: 'broker', id: change.broker.id, broker: brokerValue(change.broker) }
    case 'configs':
      return { ...change, overrides: { ...change.overrides } }
    case 'quotas':
      return { kind: 'quotas', entity: { ...change.entity }, values: { ...change.values } }
    case 'features':
      return { kind: 'features', levels: { ...change.levels } }
    case 'topicRemoved':
    case 'brokerRemoved':
      return { ...change }
  }
}

function topicValue(
  head: { id: string; name: string; internal: boolean },
  partitions: readonly PartitionImage[],
): { [name: string]: Json } {
  return { ...head, partitions: partitions.map(partitionValue) }
}

function readEndpoint(value: Json): Endpoint {
  const { listener, host, port } = value as { [name: string]: Json }
  return {
    listener: string(listener, 'listener'),
    host: string(host, 'host'),
    port: number(port, 'port'),
  }
}

function string(value: Json | undefined, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} of a table item is not a string`)
  return value
}

function number(value: Json | undefined, name: string): number {
  if (typeof value !== 'number') throw new TypeError(`${name} of a table item is not a number`)
  return value
}

function array(value: Json | undefined, name: string): Json[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} of a table item is not a list`)
  return value
}

function numbers(value: Json | undefined, name: string): number[] {
  return array(value, name).map((one) => number(one, name))
}

function strings(value: Json | undefined, name: string): ConfigOverrides {
  return Object.fromEntries(entries(value, name).map(([key, one]) => [key, string(one, key)]))
}

function numbersByName(value: Json | undefined, name: string): Record<string, number> {
  return Object.fromEntries(entries(value, name).map(([key, one]) => [key, number(one, key)]))
}

function entries(value: Json | undefined, name: string): [string, Json][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} of a table item is not an object`)
  }
  return Object.entries(value)
}
