// Fetch sessions (KIP-227): the broker remembers which partitions a client fetches, so that a client of
// many partitions sends only what changed and hears only of partitions with news.
//
//   session id 0, epoch -1    no session: all partitions in the request, all in the response
//   epoch 0                   all partitions in the request; a session is made if there is room
//   epoch n > 0               changes to session `id`, which must be at epoch n
//
// The number of sessions is bounded: a new one takes the place of one long idle, or of a smaller one
// that had its time.

import type { Clock } from '@sluice/core/host/clock'
import type { Random } from '@sluice/core/host/random'
import { errors } from '@sluice/protocol/errors'
import type { FetchRequest } from '@sluice/protocol/messages/01-fetch'
import { zeroUuid } from '@sluice/protocol/schema'

/** A session keeps its place at least so long, used or not. */
const evictionMs = 120_000
const finalEpoch = -1
const initialEpoch = 0
const int32Max = 2 ** 31 - 1

export interface FetchPartition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly fetchOffset: number
  readonly maxBytes: number
  readonly currentLeaderEpoch: number
  readonly lastFetchedEpoch: number
}

/** What a fetch of one partition came to, as far as sessions care. */
export interface FetchOutcome {
  readonly errorCode: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly bytes: number
  /** The response must say something the client does not know yet. */
  readonly diverging: boolean
}

/** One request within its session, or without one. */
export interface FetchContext {
  /** 0, or why the session cannot be gone on with. */
  readonly errorCode: number
  readonly partitions: readonly FetchPartition[]
  /** Of the session that is gone on with; 0: there is none. An answer without partitions says it. */
  readonly sessionId: number
  /** The session id to answer with, and which outcomes (in order of `partitions`) to answer at all. */
  finish(outcomes: readonly FetchOutcome[]): { sessionId: number; included: readonly boolean[] }
}

interface SessionPartition extends FetchPartition {
  /** Last answered; -1 asks for an answer next time. */
  highWatermark: number
  logStartOffset: number
}

interface Session {
  readonly id: number
  readonly usesTopicIds: boolean
  readonly createdMs: number
  lastUsedMs: number
  epoch: number
  /** In the order in which they are read; what had records goes to the end. */
  readonly partitions: Map<string, SessionPartition>
}

export class FetchSessions {
  readonly #clock: Clock
  readonly #random: Random
  readonly #slots: () => number
  readonly #sessions = new Map<number, Session>()
  #evictions = 0

  constructor(options: { clock: Clock; random: Random; slots: () => number }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#slots = options.slots
  }

  get size(): number {
    return this.#sessions.size
  }

  get evictions(): number {
    return this.#evictions
  }

  /** Partitions remembered, in all sessions. */
  get partitionCount(): number {
    let count = 0
    for (const { partitions } of this.#sessions.values()) count += partitions.size
    return count
  }

  begin(request: FetchRequest, version: number): FetchContext {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch === finalEpoch || sessionEpoch === initialEpoch) {
      this.#sessions.delete(sessionId)
      const partitions = requested(request)
      if (sessionEpoch === finalEpoch) return withoutSession(partitions)
      return this.#full(partitions, version >= 13)
    }
    const session = this.#sessions.get(sessionId)
    if (!session) return refused(errors.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== sessionEpoch) return refused(errors.INVALID_FETCH_SESSION_EPOCH)
    const usesTopicIds = version >= 13
    if (usesTopicIds !== session.usesTopicIds) return refused(errors.FETCH_SESSION_TOPIC_ID_ERROR)
    update(session, request)
    if (session.partitions.size === 0) {
      this.#sessions.delete(sessionId)
      return withoutSession([])
    }
    session.epoch = session.epoch === int32Max ? 1 : session.epoch + 1
    session.lastUsedMs = this.#clock.monotonic()
    return incremental(session)
  }

  #full(partitions: readonly FetchPartition[], usesTopicIds: boolean): FetchContext {
    return {
      errorCode: 0,
      partitions,
      sessionId: 0,
      finish: (outcomes) => {
        const included = outcomes.map(() => true)
        const session = this.#create(partitions.length, usesTopicIds)
        if (!session) return { sessionId: 0, included }
        // As in later fetches, what had records is read last next time.
        for (const hadRecords of [false, true]) {
          partitions.forEach((partition, i) => {
            if (outcomes[i].bytes > 0 !== hadRecords) return
            const known: SessionPartition = { ...partition, highWatermark: -1, logStartOffset: -1 }
            remember(known, outcomes[i])
            session.partitions.set(keyOf(partition), known)
          })
        }
        return { sessionId: session.id, included }
      },
    }
  }

  #create(size: number, usesTopicIds: boolean): Session | undefined {
    if (size === 0 || !this.#makeRoom(size)) return undefined
    const now = this.#clock.monotonic()
    const session: Session = {
      id: this.#freeId(),
      usesTopicIds,
      createdMs: now,
      lastUsedMs: now,
      epoch: initialEpoch + 1,
      partitions: new Map(),
    }
    this.#sessions.set(session.id, session)
    return session
  }

  #freeId(): number {
    for (;;) {
      const id = 1 + this.#random.integer(int32Max)
      if (!this.#sessions.has(id)) return id
    }
  }

  #makeRoom(size: number): boolean {
    const slots = this.#slots()
    if (this.#sessions.size < slots) return true
    if (slots === 0) return false
    const victim = this.#victim(size)
    if (!victim) return false
    this.#sessions.delete(victim.id)
    this.#evictions += 1
    return true
  }

  #victim(size: number): Session | undefined {
    const now = this.#clock.monotonic()
    let [oldest] = this.#sessions.values()
    let smallest: Session | undefined
    for (const session of this.#sessions.values()) {
      if (session.lastUsedMs < oldest.lastUsedMs) oldest = session
      if (now - session.createdMs <= evictionMs || session.partitions.size >= size) continue
      if (!smallest || session.partitions.size < smallest.partitions.size) smallest = session
    }
    return now - oldest.lastUsedMs > evictionMs ? oldest : smallest
  }
}

function keyOf({ topic, topicId, index }: { topic: string; topicId: string; index: number }) {
  return topicId === zeroUuid ? `${topic}:${index}` : `${topicId}:${index}`
}

function requested(request: FetchRequest): FetchPartition[] {
  const all: FetchPartition[] = []
  for (const { topic, topicId, partitions } of request.topics) {
    for (const one of partitions) {
      all.push({
        topic,
        topicId,
        index: one.partition,
        fetchOffset: one.fetchOffset,
        maxBytes: one.partitionMaxBytes,
        currentLeaderEpoch: one.currentLeaderEpoch,
        lastFetchedEpoch: one.lastFetchedEpoch,
      })
    }
  }
  return all
}

function update({ partitions }: Session, request: FetchRequest): void {
  for (const partition of requested(request)) {
    const key = keyOf(partition)
    const known = partitions.get(key)
    const { highWatermark, logStartOffset } = known ?? { highWatermark: -1, logStartOffset: -1 }
    partitions.set(key, { ...partition, highWatermark, logStartOffset })
  }
  for (const { topic, topicId, partitions: indexes } of request.forgottenTopicsData) {
    for (const index of indexes) partitions.delete(keyOf({ topic, topicId, index }))
  }
}

function refused(errorCode: number): FetchContext {
  return { errorCode, partitions: [], sessionId: 0, finish: () => ({ sessionId: 0, included: [] }) }
}

function withoutSession(partitions: readonly FetchPartition[]): FetchContext {
  return { errorCode: 0, partitions, sessionId: 0, finish: allIncluded }
}

function allIncluded(outcomes: readonly FetchOutcome[]) {
  return { sessionId: 0, included: outcomes.map(() => true) }
}

function incremental(session: Session): FetchContext {
  const partitions = [...session.partitions.values()]
  return {
    errorCode: 0,
    partitions,
    sessionId: session.id,
    finish: (outcomes) => {
      const included = outcomes.map((outcome, i) => hasNews(partitions[i], outcome))
      for (const [i, outcome] of outcomes.entries()) remember(partitions[i], outcome)
      moveToEnd(session, partitions, outcomes)
      return { sessionId: session.id, included }
    },
  }
}

/**
 * What had records is read last next time, so that each has its turn within maxBytes. A request that came
 * meanwhile may have changed it, or forgotten it.
 */
function moveToEnd(
  session: Session,
  partitions: readonly SessionPartition[],
  outcomes: readonly FetchOutcome[],
): void {
  // Where all had, the order stays: so it is at the tail of one partition, fetch after fetch.
  if (outcomes.every(({ bytes }) => bytes > 0)) return
  outcomes.forEach(({ bytes }, i) => {
    const partition = partitions[i]
    const key = keyOf(partition)
    if (bytes === 0 || session.partitions.get(key) !== partition) return
    session.partitions.delete(key)
    session.partitions.set(key, partition)
  })
}

function hasNews(partition: SessionPartition, outcome: FetchOutcome): boolean {
  return (
    outcome.bytes > 0 ||
    outcome.errorCode !== 0 ||
    outcome.diverging ||
    outcome.highWatermark !== partition.highWatermark ||
    outcome.logStartOffset !== partition.logStartOffset
  )
}

/** After an error the next answer says how things stand, whether or not they changed. */
function remember(partition: SessionPartition, outcome: FetchOutcome): void {
  partition.highWatermark = outcome.errorCode === 0 ? outcome.highWatermark : -1
  partition.logStartOffset = outcome.logStartOffset
}
