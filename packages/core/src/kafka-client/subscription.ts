// Subscription: what a member tells the leader of its group for each assignor it knows, and how the leader reads it.
// The bytes are those of Java's clients, so that either may lead the other:
//
//   range, roundrobin    version 0: topics
//   sticky               version 0, user data: the share it had last, and its generation
//   cooperative-sticky   version 2: topics, the share it has, and its generation; user data: the generation again,
//                        for leaders that read version 1

import { DecodeError, decode, encode } from '@sluice/protocol/codec'
import type { JoinGroupResponse } from '@sluice/protocol/messages/11-join-group'
import { consumerProtocolSubscription } from '@sluice/protocol/messages/internal/consumer-protocol-subscription'
import { stickyAssignorUserData } from '@sluice/protocol/messages/internal/sticky-assignor-user-data'
import { decodeForward, encodeVersioned } from '@sluice/protocol/versioned'
import type { GroupMember } from './assignor.ts'
import type { AssignorName } from './assignors.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

export const noGeneration = -1

/** A share, and the generation in which it was given. */
export interface GivenShare {
  readonly partitions: readonly TopicPartition[]
  readonly generation: number
}

export const nothingGiven: GivenShare = { partitions: [], generation: noGeneration }

export interface Subscription {
  readonly topics: readonly string[]
  /** What the member reads at this moment. */
  readonly owned: GivenShare
  /** What it was given last, maybe given up since. */
  readonly previous: GivenShare
}

const versions = { plain: 0, withOwned: 2 }
const userDataVersions = [1, 0]

export function encodeSubscription(assignor: AssignorName, said: Subscription): Buffer {
  const topics = [...said.topics]
  switch (assignor) {
    case 'sticky': {
      const { partitions, generation } = said.previous
      const value = { previousAssignment: listed(partitions), generation }
      const userData = Buffer.concat(encode(stickyAssignorUserData, userDataVersions[0], value))
      return encodeVersioned(consumerProtocolSubscription, versions.plain, { topics, userData })
    }
    case 'cooperative-sticky': {
      const { partitions, generation } = said.owned
      const userData = Buffer.alloc(4)
      userData.writeInt32BE(generation)
      return encodeVersioned(consumerProtocolSubscription, versions.withOwned, {
        topics,
        userData,
        ownedPartitions: listed(partitions),
        generationId: generation,
      })
    }
    default:
      return encodeVersioned(consumerProtocolSubscription, versions.plain, { topics })
  }
}

/** Throws DecodeError where a member's bytes are not a subscription. */
export function readMember(
  assignor: AssignorName,
  { memberId, groupInstanceId, metadata }: JoinGroupResponse['members'][number],
): GroupMember {
  const said = decodeForward(consumerProtocolSubscription, metadata)
  const { topics, userData } = said
  const member = { memberId, instanceId: groupInstanceId, topics }
  if (assignor === 'sticky') return { ...member, ...previousIn(userData) }
  const generation = said.generationId === noGeneration ? generationIn(userData) : said.generationId
  return { ...member, owned: partitionsOf(said.ownedPartitions), generation }
}

/** Of a client of another making it may be anything: then it had nothing. */
function previousIn(userData: Buffer | null): Pick<GroupMember, 'owned' | 'generation'> {
  for (const version of userDataVersions) {
    try {
      const said = decode(stickyAssignorUserData, version, userData ?? Buffer.alloc(0), 0)
      return { owned: partitionsOf(said.previousAssignment), generation: said.generation }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }
  return { owned: [], generation: noGeneration }
}

function generationIn(userData: Buffer | null): number {
  return userData?.length === 4 ? userData.readInt32BE(0) : noGeneration
}

interface ListedPartitions {
  readonly topic: string
  readonly partitions: number[]
}

export function listed(partitions: readonly TopicPartition[]): ListedPartitions[] {
  return [...byTopic(partitions)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }))
}

export function partitionsOf(topics: readonly ListedPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}
