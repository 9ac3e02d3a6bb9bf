// Configs of a cluster's resources, over the wire: described with their sources (KIP-226), altered one by
// one (KIP-339), and which resources have some (KIP-1142). A broker is asked for its own.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { DescribeConfigsResponse } from '@sluice/protocol/messages/32-describe-configs'
import type { KafkaClient, Target } from './kafka-client.ts'
import { KafkaError } from './kafka-error.ts'

export const resourceTypes = {
  topic: 2,
  broker: 4,
  'broker-logger': 8,
  'client-metrics': 16,
  group: 32,
} as const

export type ResourceType = keyof typeof resourceTypes

export interface ConfigResource {
  readonly type: ResourceType
  /** Of a broker: its id, or '' for what all brokers have in common. */
  readonly name: string
}

/** Where a value comes from, by Kafka's number. */
export const configSources: ReadonlyMap<number, string> = new Map([
  [1, 'topic'],
  [2, 'broker'],
  [3, 'all brokers'],
  [4, 'start of the broker'],
  [5, 'default'],
  [6, 'broker logger'],
  [7, 'client metrics'],
  [8, 'group'],
])

/** What a config would be without what comes before it, first things first. */
export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

export interface ConfigEntry extends ConfigSynonym {
  readonly readOnly: boolean
  readonly sensitive: boolean
  /** Kafka's name of the type, in small letters; 'unknown' where the broker is too old to tell. */
  readonly type: string
  /** Empty unless asked for. */
  readonly synonyms: readonly ConfigSynonym[]
  readonly documentation: string | null
}

export interface ConfigOutcome extends ConfigResource {
  readonly error: number
  readonly message: string | null
}

export interface DescribedConfigs extends ConfigOutcome {
  readonly configs: readonly ConfigEntry[]
}

export interface DescribeOptions {
  /** All without. */
  readonly names?: readonly string[]
  readonly synonyms?: boolean
  readonly documentation?: boolean
}

export interface ConfigChange {
  /** Append and subtract are for lists. */
  readonly change: 'set' | 'delete' | 'append' | 'subtract'
  readonly name: string
  /** Null for 'delete'. */
  readonly value: string | null
}

const changeCodes = { set: 0, delete: 1, append: 2, subtract: 3 } as const
/** From version 3 on a broker can tell types and documentation. */
const documentationVersion = 3

const typeNames = [
  'unknown',
  'boolean',
  'string',
  'int',
  'short',
  'long',
  'double',
  'list',
  'class',
  'password',
]

export async function describeConfigs(
  client: KafkaClient,
  resource: ConfigResource,
  { names, synonyms = false, documentation = false }: DescribeOptions,
): Promise<DescribedConfigs> {
  const target = await targetOf(client, resource)
  const response = await client.request(apis.describeConfigs, target, (version) => ({
    resources: [{ ...onWire(resource), configurationKeys: names ?? null }],
    includeSynonyms: synonyms,
    ...(version >= documentationVersion && { includeDocumentation: documentation }),
  }))
  const [result] = response.results
  if (result === undefined) throw new KafkaError(errors.UNKNOWN_SERVER_ERROR, resource.name)
  const { errorCode: error, errorMessage: message, configs } = result
  return { ...resource, error, message, configs: configs.map(toEntry) }
}

/** All changes of one resource take effect, or none. */
export async function alterConfigs(
  client: KafkaClient,
  resource: ConfigResource,
  { changes, validateOnly }: { changes: readonly ConfigChange[]; validateOnly: boolean },
): Promise<ConfigOutcome> {
  const configs = changes.map(({ change, name, value }) => {
    return { name, configOperation: changeCodes[change], value }
  })
  const target = await targetOf(client, resource)
  const body = { resources: [{ ...onWire(resource), configs }], validateOnly }
  const response = await client.request(apis.incrementalAlterConfigs, target, body)
  const [result] = response.responses
  if (result === undefined) throw new KafkaError(errors.UNKNOWN_SERVER_ERROR, resource.name)
  return { ...resource, error: result.errorCode, message: result.errorMessage }
}

export async function listConfigResources(
  client: KafkaClient,
  types: readonly ResourceType[],
): Promise<ConfigResource[]> {
  const body = { resourceTypes: types.map((type) => resourceTypes[type]) }
  const response = await client.request(apis.listConfigResources, 'any', body)
  if (response.errorCode !== errors.NONE) throw new KafkaError(response.errorCode)
  return response.configResources.flatMap(({ resourceName: name, resourceType }) => {
    const type = typeByCode.get(resourceType)
    return type === undefined ? [] : [{ type, name }]
  })
}

const typeByCode = new Map<number, ResourceType>(
  Object.entries(resourceTypes).map(([type, code]) => [code, type as ResourceType]),
)

function onWire({ type, name }: ConfigResource) {
  return { resourceType: resourceTypes[type], resourceName: name }
}

/** A broker knows its own configs only. */
async function targetOf(client: KafkaClient, { type, name }: ConfigResource): Promise<Target> {
  const ofOneBroker = (type === 'broker' && name !== '') || type === 'broker-logger'
  if (!ofOneBroker) return 'any'
  if (!/^\d+$/.test(name)) throw new KafkaError(errors.INVALID_REQUEST, `'${name}' is no broker id`)
  // It has to be known before it can be asked.
  await client.metadata([])
  return { node: Number(name) }
}

type AnsweredEntry = DescribeConfigsResponse['results'][number]['configs'][number]

function toEntry(entry: AnsweredEntry): ConfigEntry {
  const { name, value, configSource: source, readOnly, isSensitive: sensitive } = entry
  const { synonyms, configType, documentation } = entry
  const type = typeNames[configType] ?? 'unknown'
  return { name, value, source, readOnly, sensitive, type, synonyms, documentation }
}
