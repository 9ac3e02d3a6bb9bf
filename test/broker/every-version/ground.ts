// The ground on which every version of every API is tried: a broker whose topics, groups and configs each
// check makes for itself, so that no version sees what another one left behind.

import type { Handler } from '@sluice/broker/handler'
import { type Api, apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords } from '@sluice/protocol/records/record'
import type { Message } from '@sluice/protocol/schema'
import { fetchRequestOf, groupConfig } from '../requests.ts'
import { TestBroker, type TestClient } from '../test-broker.ts'

/** What one API does at the versions `min` to `max`, in a request whose answer means something. */
export interface Check {
  readonly key: number
  readonly name: string
  readonly versions: Handler['versions']
  readonly run: (ground: Ground, version: number) => Promise<void>
}

export function check(
  { key, name }: Api<Message, Message>,
  [min, max]: readonly [min: number, max: number],
  run: Check['run'],
): Check {
  return { key, name, versions: { min, max }, run }
}

export interface Topic {
  readonly name: string
  readonly id: string
}

export interface Member {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

export class Ground {
  readonly server: TestBroker
  /** A connection of this check's own: one that the broker ends fails no other. */
  client: TestClient
  #names = 0

  private constructor(server: TestBroker, client: TestClient) {
    this.server = server
    this.client = client
  }

  async reconnect(): Promise<void> {
    this.client.close()
    this.client = await this.server.connect()
  }

  static async start(): Promise<Ground> {
    const server = await TestBroker.start({ config: groupConfig })
    const client = await server.connect()
    await client.send(apis.findCoordinator, 4, { coordinatorKeys: ['any'] })
    return new Ground(server, client)
  }

  /** A name that is nobody's yet. */
  fresh(kind: string): string {
    this.#names += 1
    return `${kind}-${this.#names}`
  }

  /** A topic of one partition, with these records. */
  async topic(values: readonly string[] = []): Promise<Topic> {
    const name = this.fresh('topic')
    const id = await this.server.createTopic(name)
    if (values.length > 0) await this.client.produce(name, values)
    return { name, id }
  }

  /** What is stored in partition 0. */
  async values({ name }: Topic): Promise<string[]> {
    const request = fetchRequestOf({ topic: name, partitions: [0] })
    const { responses } = await this.client.send(apis.fetch, 12, request)
    return valuesOf(responses[0].partitions[0].records)
  }

  /** The value of a config as tools read it. */
  async config(resourceType: number, resourceName: string, name: string): Promise<string | null> {
    const { results } = await this.client.send(apis.describeConfigs, 4, {
      resources: [{ resourceType, resourceName, configurationKeys: [name] }],
    })
    return results[0].configs[0].value
  }

  /** The one member of a new group, which has its assignment. */
  async member(): Promise<Member> {
    const groupId = this.fresh('group')
    const { memberId, generationId } = await this.client.send(apis.joinGroup, 3, {
      groupId,
      sessionTimeoutMs: 60_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('wishes') }],
    })
    await this.client.send(apis.syncGroup, 3, {
      groupId,
      generationId,
      memberId,
      assignments: [{ memberId, assignment: Buffer.from('all of it') }],
    })
    return { groupId, memberId, generationId }
  }

  /** A new group without members that has committed 7 for partition 0. */
  async committed({ name }: Topic): Promise<string> {
    const groupId = this.fresh('group')
    const offset = { committedOffset: 7, committedLeaderEpoch: 0, committedMetadata: 'note' }
    await this.client.send(apis.offsetCommit, 8, {
      groupId,
      memberId: '',
      topics: [{ name, partitions: [{ partitionIndex: 0, ...offset }] }],
    })
    return groupId
  }

  /** What a group has committed for partition 0; -1: nothing. */
  async offsetOf(groupId: string, { name }: Topic): Promise<number> {
    const topics = [{ name, partitionIndexes: [0] }]
    const answer = await this.client.send(apis.offsetFetch, 8, { groups: [{ groupId, topics }] })
    return answer.groups[0].topics[0].partitions[0].committedOffset
  }

  close(): Promise<void> {
    return this.server.close()
  }
}

export const unknownId = 'AAAAAAAAAAAAAAAAAAAAAQ'

export function valuesOf(records: Buffer | null): string[] {
  const values: string[] = []
  for (let at = 0; records && at < records.length; at += readBatchHeader(records, at).batchBytes) {
    for (const { value } of decodeRecords(records, at)) values.push(String(value))
  }
  return values
}

/** The names of all error codes in an answer, in its order. */
export function errorsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(errorsIn)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([name, one]) =>
    name === 'errorCode' ? [errorName(one)] : errorsIn(one),
  )
}
