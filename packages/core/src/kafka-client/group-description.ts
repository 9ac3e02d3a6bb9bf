// describeGroup: a group as its coordinator sees it, with members, what they subscribe to and what each
// was assigned (classic protocol; the bytes are those of Kafka's consumers).

import { apis } from '@sluice/protocol/apis'
import { DecodeError } from '@sluice/protocol/codec'
import { errorText } from '@sluice/protocol/error-texts'
import { errors } from '@sluice/protocol/errors'
import type { DescribeGroupsResponse } from '@sluice/protocol/messages/15-describe-groups'
import { consumerProtocolAssignment } from '@sluice/protocol/messages/internal/consumer-protocol-assignment'
import { consumerProtocolSubscription } from '@sluice/protocol/messages/internal/consumer-protocol-subscription'
import type { Decoded, Message } from '@sluice/protocol/schema'
import { decodeForward } from '@sluice/protocol/versioned'
import { atCoordinator } from './coordinator-request.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface MemberDescription {
  readonly memberId: string
  /** group.instance.id of a static member. */
  readonly instanceId: string | null
  readonly clientId: string
  /** As Kafka prints it: /127.0.0.1 */
  readonly host: string
  /** Topics that it asked for; null where its bytes are no consumer's. */
  readonly topics: readonly string[] | null
  readonly assignment: readonly TopicPartition[]
}

export interface GroupDescription {
  readonly group: string
  /** A Kafka error code: GROUP_ID_NOT_FOUND for one that there is not. Then the rest says nothing. */
  readonly error: number
  readonly message: string | null
  /** Empty, PreparingRebalance, CompletingRebalance, Stable, Dead. */
  readonly state: string
  readonly protocolType: string
  /** The assignor that all members agreed on; empty before they did. */
  readonly protocol: string
  /** Id of the broker; -1 where it was not reached. */
  readonly coordinator: number
  readonly members: readonly MemberDescription[]
}

/** What a broker before DescribeGroups 6 (KIP-1043) answers for a group that it does not know. */
const unknownState = 'Dead'

/** Never rejects with a KafkaError: it is in the description. */
export async function describeGroup(
  client: KafkaClient,
  group: string,
  { timeoutMs }: { timeoutMs: number },
): Promise<GroupDescription> {
  try {
    return await atCoordinator(client, group, { timeoutMs }, async (send) => {
      const { groups } = await send(apis.describeGroups, { groups: [group] })
      const answer = groups[0]
      if (answer === undefined) throw new KafkaError(errors.UNKNOWN_SERVER_ERROR, group)
      if (answer.errorCode !== errors.NONE) {
        throw new KafkaError(answer.errorCode, answer.errorMessage)
      }
      if (answer.groupState === unknownState) throw new KafkaError(errors.GROUP_ID_NOT_FOUND)
      return descriptionOf(answer, client.coordinatorOf(group))
    })
  } catch (thrown) {
    const { code, message } = asKafkaError(thrown)
    return undescribed(group, { error: code, message: message || errorText(code) })
  }
}

function descriptionOf(
  answer: DescribeGroupsResponse['groups'][number],
  coordinator: number,
): GroupDescription {
  const { groupId: group, groupState: state, protocolType, protocolData: protocol } = answer
  const members = answer.members.map((member) => ({
    memberId: member.memberId,
    instanceId: member.groupInstanceId,
    clientId: member.clientId,
    host: member.clientHost,
    topics: tryDecode(consumerProtocolSubscription, member.memberMetadata)?.topics ?? null,
    assignment: assignmentIn(member.memberAssignment),
  }))
  return { group, error: 0, message: null, state, protocolType, protocol, coordinator, members }
}

function undescribed(
  group: string,
  { error, message }: { error: number; message: string },
): GroupDescription {
  const nothing = { state: '', protocolType: '', protocol: '', coordinator: -1, members: [] }
  return { group, error, message, ...nothing }
}

function assignmentIn(bytes: Buffer): TopicPartition[] {
  const assignment = tryDecode(consumerProtocolAssignment, bytes)
  return (assignment?.assignedPartitions ?? []).flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}

/** Undefined for no bytes (no generation yet) and for those of another making (Connect, …). */
function tryDecode<M extends Message>(message: M, bytes: Buffer): Decoded<M> | undefined {
  if (bytes.length === 0) return undefined
  try {
    return decodeForward(message, bytes)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
