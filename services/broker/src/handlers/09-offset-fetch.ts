// OffsetFetch
// v2 all topics by null, error at the top · v3 throttle time · v5 leader epochs (KIP-320) · v6 flexible
// v7 require stable (KIP-447) · v8 several groups (KIP-709) · v9 member epochs · v10 topics by id (KIP-848)

import type { CommittedOffset, OffsetView } from '@sluice/core/group/offsets'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { OffsetFetchRequest } from '@sluice/protocol/messages/09-offset-fetch'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

const firstVersionWithErrorAtTop = 2
const firstVersionWithGroups = 8
const firstVersionWithIds = 10

interface AskedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

interface AskedGroup {
  readonly groupId: string
  /** null: all that the group has committed. */
  readonly topics: readonly AskedTopic[] | null
}

export const offsetFetch = handler(
  apis.offsetFetch,
  {
    min: 1,
    max: 10,
    failed: (request, { errorCode }, version) =>
      answer(
        askedGroups(request, version).map((group) => refused(group, errorCode, version)),
        version,
      ),
  },
  async (broker, request, { apiVersion }) => {
    const stable = request.requireStable
    const groups = askedGroups(request, apiVersion).map(async (group) => {
      const view = await broker.groups.fetchOffsets(group.groupId, { stable })
      if (typeof view === 'number') return refused(group, view, apiVersion)
      const { groupId, topics } = group
      const found =
        topics === null
          ? everything(broker, view, apiVersion)
          : topics.map((topic) => fetchTopic(broker, view, topic, apiVersion))
      return { groupId, errorCode: errors.NONE, topics: found }
    })
    return answer(await Promise.all(groups), apiVersion)
  },
)

/** Before v8 a request was about one group, at its top. */
function askedGroups(request: OffsetFetchRequest, version: number): AskedGroup[] {
  if (version >= firstVersionWithGroups) return request.groups
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: zeroUuid })) ?? null
  return [{ groupId: request.groupId, topics }]
}

type AnsweredGroup = ReturnType<typeof refused>

function answer(groups: AnsweredGroup[], version: number) {
  if (version >= firstVersionWithGroups) return { groups }
  const [{ topics, errorCode }] = groups
  return { topics, errorCode }
}

/** The first version has no place for the error but at each partition. */
function refused({ groupId, topics }: AskedGroup, errorCode: number, version: number) {
  const asked = version >= firstVersionWithErrorAtTop ? [] : (topics ?? [])
  return { groupId, errorCode, topics: asked.map((topic) => refusedTopic(topic, errorCode)) }
}

function refusedTopic({ name, topicId, partitionIndexes }: AskedTopic, errorCode: number) {
  return {
    name,
    topicId,
    partitions: partitionIndexes.map((index) => ({ ...offsetOf(index, undefined), errorCode })),
  }
}

function fetchTopic(broker: Broker, view: OffsetView, asked: AskedTopic, version: number) {
  const { image } = broker.cluster
  const byId = version >= firstVersionWithIds
  const topic = byId ? image.topicById(asked.topicId) : image.topic(asked.name)
  if (byId && !topic) return refusedTopic(asked, errors.UNKNOWN_TOPIC_ID)
  const name = topic?.name ?? asked.name
  return {
    name,
    topicId: asked.topicId,
    partitions: asked.partitionIndexes.map((index) =>
      offsetOf(index, ofTopic(view.get(name, index), topic?.id)),
    ),
  }
}

/** By id, a topic that is there no longer cannot be named. */
function everything(broker: Broker, view: OffsetView, version: number) {
  const { image } = broker.cluster
  return Array.from(view.topics(), ([name, partitions]) => {
    const topicId = image.topic(name)?.id
    const found = Array.from(partitions, ([index, committed]) =>
      offsetOf(index, ofTopic(committed, topicId)),
    )
    const shown = found.filter(({ committedOffset }) => committedOffset !== -1)
    return { name, topicId: topicId ?? zeroUuid, partitions: shown }
  }).filter(
    ({ topicId, partitions }) =>
      partitions.length > 0 && (version < firstVersionWithIds || topicId !== zeroUuid),
  )
}

/** An offset of a topic that was deleted says nothing about a new one of its name. */
function ofTopic(
  committed: CommittedOffset | undefined,
  topicId: string | undefined,
): CommittedOffset | undefined {
  if (!committed || committed.topicId === zeroUuid || topicId === undefined) return committed
  return committed.topicId === topicId ? committed : undefined
}

function offsetOf(partitionIndex: number, committed: CommittedOffset | undefined) {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? '',
    errorCode: errors.NONE as number,
  }
}
