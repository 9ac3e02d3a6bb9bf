// GroupAdmin: groups of a cluster and their committed offsets, asked and changed, each at its coordinator.
// What concerns one item (a group that is not empty) is in its result; what concerns the whole rejects.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { Limiter } from '../lib/limiter.ts'
import { atCoordinator } from './coordinator-request.ts'
import { describeGroup, type GroupDescription } from './group-description.ts'
import { type GroupLag, groupLag } from './group-lag.ts'
import {
  alterOffsets,
  type CommittedOffset,
  fetchOffsets,
  type OffsetToCommit,
} from './group-offsets.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import type { PartitionAnswer } from './leader-requests.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

export interface ListedGroup {
  readonly group: string
  readonly protocolType: string
  /** Empty where the broker is too old to tell. */
  readonly state: string
  /** 'classic', 'consumer', …; empty where the broker is too old to tell. */
  readonly type: string
  readonly coordinator: number
}

export interface GroupFilter {
  /** Only groups in one of these states, by Kafka's names, in any case of letters. */
  readonly states?: readonly string[]
  /** Only groups of one of these types: 'classic', 'consumer', 'share', 'streams'. */
  readonly types?: readonly string[]
}

export interface GroupOutcome {
  readonly group: string
  /** A Kafka error code, 0 for done. */
  readonly error: number
  readonly message: string | null
}

const defaultTimeoutMs = 60_000
const requestsAtOnce = 32
/** ListGroups: states can be asked for from version 4 on, types from version 5. */
const statesVersion = 4
const typesVersion = 5

export class GroupAdmin {
  readonly #client: KafkaClient
  readonly #timeoutMs: number

  constructor(client: KafkaClient, options: { timeoutMs?: number } = {}) {
    this.#client = client
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  }

  /** The groups of all coordinators, by name. Rejects where a broker is too old for the filter. */
  async list(filter: GroupFilter = {}): Promise<ListedGroup[]> {
    const { timeoutMs } = this
    const refresh = () => this.#client.metadata([], { refresh: true })
    const { brokers } = await this.#client.retry(refresh, { timeoutMs })
    const lists = brokers.map(({ nodeId }) =>
      this.#client.retry(() => listAt(this.#client, nodeId, filter), { timeoutMs }),
    )
    const groups = (await Promise.all(lists)).flat()
    return groups.sort((a, b) => (a.group < b.group ? -1 : 1))
  }

  /** In the order of the names; one that there is not has its error. */
  describe(groups: readonly string[]): Promise<GroupDescription[]> {
    const { timeoutMs } = this
    return each(groups, (group) => describeGroup(this.#client, group, { timeoutMs }))
  }

  /** What is committed, for `partitions` or for all; nothing for a group that there is not. */
  offsets(
    group: string,
    options: { partitions?: readonly TopicPartition[]; stable?: boolean } = {},
  ): Promise<CommittedOffset[]> {
    const { timeoutMs } = this
    const { partitions, stable = false } = options
    return fetchOffsets(this.#client, group, partitions, { timeoutMs, stable })
  }

  /** Descriptions with all partitions that the group committed for or reads, and how far behind it is. */
  lag(groups: readonly string[]): Promise<GroupLag[]> {
    const { timeoutMs } = this
    return each(groups, async (group) => {
      const description = await describeGroup(this.#client, group, { timeoutMs })
      if (description.error !== errors.NONE) return { ...description, partitions: [] }
      const offsets = await this.offsets(group)
      return groupLag(this.#client, description, { offsets, timeoutMs })
    })
  }

  /** Commits as nobody of the group, which has to have no members, or not to be there yet. */
  alterOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<PartitionAnswer[]> {
    return alterOffsets(this.#client, group, offsets, { timeoutMs: this.timeoutMs })
  }

  /** Forgets what is committed for partitions of topics that no member reads. */
  async deleteOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<PartitionAnswer[]> {
    const topics = [...byTopic(partitions)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition }) => ({ partitionIndex: partition })),
    }))
    const { timeoutMs } = this
    const answer = await atCoordinator(this.#client, group, { timeoutMs }, async (send) => {
      const response = await send(apis.offsetDelete, { groupId: group, topics })
      if (response.errorCode !== errors.NONE) throw new KafkaError(response.errorCode)
      return response
    })
    return answer.topics.flatMap(({ name: topic, partitions: some }) =>
      some.map(({ partitionIndex: partition, errorCode: error }) => ({ topic, partition, error })),
    )
  }

  /** In the order of the names. Only groups without members can go. */
  delete(groups: readonly string[]): Promise<GroupOutcome[]> {
    return each(groups, (group) => this.#delete(group))
  }

  get timeoutMs(): number {
    return this.#timeoutMs
  }

  async #delete(group: string): Promise<GroupOutcome> {
    const { timeoutMs } = this
    let repeated = false
    try {
      await atCoordinator(this.#client, group, { timeoutMs }, async (send) => {
        try {
          const { results } = await send(apis.deleteGroups, { groupsNames: [group] })
          const { errorCode, errorMessage } = results[0] ?? unanswered
          // The answer to the attempt that deleted it was lost.
          if (repeated && errorCode === errors.GROUP_ID_NOT_FOUND) return
          if (errorCode !== errors.NONE) throw new KafkaError(errorCode, errorMessage)
        } catch (thrown) {
          const { code } = asKafkaError(thrown)
          const lost = code === errors.REQUEST_TIMED_OUT || code === errors.NETWORK_EXCEPTION
          if (lost) repeated = true
          throw thrown
        }
      })
      return { group, error: errors.NONE, message: null }
    } catch (thrown) {
      const { code, message } = asKafkaError(thrown)
      return { group, error: code, message }
    }
  }
}

const unanswered = { errorCode: errors.UNKNOWN_SERVER_ERROR, errorMessage: null }

async function listAt(
  client: KafkaClient,
  node: number,
  { states = [], types = [] }: GroupFilter,
): Promise<ListedGroup[]> {
  const response = await client.request(apis.listGroups, { node }, (version) => {
    if (version < statesVersion && states.length > 0) throw tooOld('state')
    if (version < typesVersion && types.length > 0) throw tooOld('type')
    return {
      ...(version >= statesVersion && { statesFilter: [...states] }),
      ...(version >= typesVersion && { typesFilter: [...types] }),
    }
  })
  if (response.errorCode !== errors.NONE) throw new KafkaError(response.errorCode)
  return response.groups.map(({ groupId: group, protocolType, groupState: state, groupType }) => {
    return { group, protocolType, state, type: groupType, coordinator: node }
  })
}

function tooOld(what: string): KafkaError {
  return new KafkaError(errors.UNSUPPORTED_VERSION, `the broker cannot list groups by ${what}`)
}

/** In the order given, a few at a time. */
function each<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const limiter = new Limiter(requestsAtOnce)
  return Promise.all(items.map((item) => limiter.run(() => ask(item))))
}
