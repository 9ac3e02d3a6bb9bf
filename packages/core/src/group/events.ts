// What a classic group hears and what it wants done: the two vocabularies of the machine in group.ts.
// Calls are opaque handles; every call that came in with an event is answered by exactly one effect,
// at once or later. Errors are Kafka's codes. Bytes given to the machine belong to it.

import type { Call, Protocol } from './member.ts'

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface JoinRequest {
  /** '': not a member yet. */
  readonly memberId: string
  /** What a new member is to be called; the driver draws it. */
  readonly newMemberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
  readonly reason: string | null
  /** KIP-394 (v4): a new member is given its id first and joins with it. */
  readonly memberIdRequired: boolean
  /** KIP-814 (v9): the answer may tell a leader not to assign. */
  readonly maySkipAssignment: boolean
}

export interface SyncRequest {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
  /** null: not said (before v5). */
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: ReadonlyMap<string, Buffer>
}

export interface HeartbeatRequest {
  readonly memberId: string
  readonly instanceId: string | null
  readonly generation: number
}

export interface Leaver {
  /** '' with an instance id: an administrator removes a static member. */
  readonly memberId: string
  readonly instanceId: string | null
  readonly reason: string | null
}

export type GroupEvent =
  | { readonly kind: 'join'; readonly call: Call; readonly request: JoinRequest }
  | { readonly kind: 'sync'; readonly call: Call; readonly request: SyncRequest }
  | { readonly kind: 'heartbeat'; readonly call: Call; readonly request: HeartbeatRequest }
  | { readonly kind: 'leave'; readonly call: Call; readonly leavers: readonly Leaver[] }
  /** A `store` effect is done: 0, or the Kafka error that its append failed with. */
  | { readonly kind: 'stored'; readonly store: number; readonly error: number }
  /** `wakeAt` has come. Too early or twice does no harm. */
  | { readonly kind: 'tick' }
  /** This broker coordinates the group no longer: everybody waiting is sent away with `error`. */
  | { readonly kind: 'unload'; readonly error: number }

export interface JoinAnswer {
  readonly error: number
  readonly memberId: string
  readonly generation: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  /** For the leader only. */
  readonly members: readonly JoinedMember[]
}

export interface JoinedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly metadata: Buffer
}

export interface SyncAnswer {
  readonly error: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export interface LeaveAnswer {
  readonly error: number
  readonly members: readonly { memberId: string; instanceId: string | null; error: number }[]
}

/** A generation as it stands in __consumer_offsets. */
export interface GroupMetadata {
  /** '' when it has none. */
  readonly protocolType: string
  readonly generation: number
  readonly protocolName: string | null
  readonly leader: string | null
  readonly members: readonly MemberMetadata[]
}

export interface MemberMetadata {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly subscription: Buffer
  readonly assignment: Buffer
}

export type Effect =
  | { readonly kind: 'joined'; readonly call: Call; readonly answer: JoinAnswer }
  | { readonly kind: 'synced'; readonly call: Call; readonly answer: SyncAnswer }
  | { readonly kind: 'heard'; readonly call: Call; readonly error: number }
  | { readonly kind: 'left'; readonly call: Call; readonly answer: LeaveAnswer }
  /** Append this to the log, then say `stored` with the same number. Stores go out in order. */
  | { readonly kind: 'store'; readonly store: number; readonly metadata: GroupMetadata }
  /** For the operator's log. */
  | { readonly kind: 'note'; readonly text: string }

export function refusedJoin(error: number, memberId: string): JoinAnswer {
  return {
    error,
    memberId,
    generation: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    members: [],
  }
}
