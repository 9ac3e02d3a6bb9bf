// Between the bodies of Kafka's group APIs and what a group hears and says. Request bodies may be views
// on a frame that is reused: bytes that a group keeps are copied here.

import { errors } from '@sluice/protocol/errors'
import type { JoinGroupRequest, joinGroupResponse } from '@sluice/protocol/messages/11-join-group'
import type {
  LeaveGroupRequest,
  leaveGroupResponse,
} from '@sluice/protocol/messages/13-leave-group'
import type { SyncGroupRequest, syncGroupResponse } from '@sluice/protocol/messages/14-sync-group'
import type { describeGroupsResponse } from '@sluice/protocol/messages/15-describe-groups'
import type { Encodable } from '@sluice/protocol/schema'
import type {
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  Leaver,
  SyncAnswer,
  SyncRequest,
} from './events.ts'
import { noBytes } from './member.ts'
import type { GroupEntry } from './shard.ts'

export type JoinBody = Encodable<typeof joinGroupResponse>
export type SyncBody = Encodable<typeof syncGroupResponse>
export type LeaveBody = Encodable<typeof leaveGroupResponse>
export type DescribedGroup = Encodable<typeof describeGroupsResponse>['groups'][number]

/** Who asks, and in which version of the API. */
export interface Caller {
  readonly apiVersion: number
  readonly clientId: string | null
  /** As Kafka prints it: /127.0.0.1 */
  readonly clientHost: string
}

export function joinRequest(
  request: JoinGroupRequest,
  caller: Caller,
  newMemberId: string,
): JoinRequest {
  const { apiVersion, clientId, clientHost } = caller
  const { sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request
  return {
    memberId: request.memberId,
    newMemberId,
    instanceId: request.groupInstanceId,
    clientId: clientId ?? '',
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs: apiVersion === 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    reason: request.reason,
    memberIdRequired: apiVersion >= 4,
    maySkipAssignment: apiVersion >= 9,
  }
}

export function joinBody(answer: JoinAnswer, { apiVersion }: Caller): JoinBody {
  return {
    errorCode: answer.error,
    generationId: answer.generation,
    protocolType: answer.protocolType,
    // null became sayable in v7.
    protocolName: answer.protocolName ?? (apiVersion < 7 ? '' : null),
    leader: answer.leader,
    skipAssignment: answer.skipAssignment,
    memberId: answer.memberId,
    members: answer.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata,
    })),
  }
}

export function syncRequest(request: SyncGroupRequest): SyncRequest {
  const assignments = new Map<string, Buffer>()
  for (const { memberId, assignment } of request.assignments) {
    assignments.set(memberId, Buffer.from(assignment))
  }
  return {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    generation: request.generationId,
    protocolType: request.protocolType,
    protocolName: request.protocolName,
    assignments,
  }
}

export function syncBody(answer: SyncAnswer): SyncBody {
  const { error, protocolType, protocolName, assignment } = answer
  return { errorCode: error, protocolType, protocolName, assignment }
}

export function refusedSync(error: number): SyncBody {
  return syncBody({ error, protocolType: null, protocolName: null, assignment: noBytes })
}

/** Before v3 a request was about one member, at its top. */
export function leavers(request: LeaveGroupRequest, { apiVersion }: Caller): Leaver[] {
  if (apiVersion < 3) return [{ memberId: request.memberId, instanceId: null, reason: null }]
  return request.members.map(({ memberId, groupInstanceId, reason }) => ({
    memberId,
    instanceId: groupInstanceId,
    reason,
  }))
}

export function leaveBody(answer: LeaveAnswer, { apiVersion }: Caller): LeaveBody {
  if (apiVersion < 3) {
    return { errorCode: answer.error || (answer.members[0]?.error ?? errors.NONE) }
  }
  return {
    errorCode: answer.error,
    members: answer.members.map(({ memberId, instanceId, error }) => ({
      memberId,
      groupInstanceId: instanceId,
      errorCode: error,
    })),
  }
}

export function describedGroup({ id, group }: GroupEntry): DescribedGroup {
  const stable = group.state === 'Stable'
  return {
    errorCode: errors.NONE,
    groupId: id,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: Array.from(group.members(), (member) => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? member.metadataFor(group.protocolName ?? '') : noBytes,
      memberAssignment: member.assignment,
    })),
  }
}

/** Since v6 a group that is not there is an error; before, it was described as dead. */
export function missingGroup(groupId: string, { apiVersion }: Caller): DescribedGroup {
  const said = apiVersion >= 6
  return {
    ...undescribedGroup(groupId, said ? errors.GROUP_ID_NOT_FOUND : errors.NONE),
    errorMessage: said ? `Group ${groupId} not found.` : null,
    groupState: 'Dead',
  }
}

export function undescribedGroup(groupId: string, error: number): DescribedGroup {
  return {
    errorCode: error,
    groupId,
    groupState: '',
    protocolType: '',
    protocolData: '',
    members: [],
  }
}
