import { type FetchContext, type FetchOutcome, FetchSessions } from '@sluice/broker/fetch-session'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { NodeClock } from '@sluice/core/host/node/clock'
import { errorName } from '@sluice/protocol/errors'
import type { FetchRequest } from '@sluice/protocol/messages/01-fetch'
import { describe, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'

const clock = new NodeClock()

function newSessions(slots = 10) {
  return new FetchSessions({ clock, random: new SeededRandom('sessions'), slots: () => slots })
}

const quiet: FetchOutcome = {
  errorCode: 0,
  highWatermark: 5,
  logStartOffset: 0,
  bytes: 0,
  diverging: false,
}

function request(given: Parameters<typeof fetchRequestOf>[0]): FetchRequest {
  return fetchRequestOf(given)
}

const indexes = (context: FetchContext) => [...context.partitions].map(({ index }) => index)

/** A full fetch of the partitions; returns the new session's id. */
function establish(sessions: FetchSessions, partitions: number[]): number {
  const context = sessions.begin(request({ partitions, sessionEpoch: 0 }), 12)
  return context.finish(partitions.map(() => quiet)).sessionId
}

describe('FetchSessions', () => {
  test('an answer takes back nothing that a later request has said', () => {
    const sessions = newSessions()
    const sessionId = establish(sessions, [0, 1])
    const next = (sessionEpoch: number, partitions: number[], offset = 0) =>
      sessions.begin(request({ sessionId, sessionEpoch, partitions, offset }), 12)
    const first = next(1, [])
    const second = next(2, [0], 10)
    first.finish([{ ...quiet, bytes: 100 }, quiet])
    second.finish([quiet, quiet])
    const offsets = [...next(3, []).partitions].map(({ index, fetchOffset }) => [
      index,
      fetchOffset,
    ])
    expect(new Map(offsets as [number, number][])).toEqual(
      new Map([
        [0, 10],
        [1, 0],
      ]),
    )
  })

  test('epoch -1 is no session', () => {
    const sessions = newSessions()
    const context = sessions.begin(request({ partitions: [0, 1], sessionEpoch: -1 }), 12)
    expect(context.finish([quiet, quiet])).toEqual({ sessionId: 0, included: [true, true] })
    expect(sessions.size).toBe(0)
  })

  test('an incremental fetch reads what the session knows and answers what is new', () => {
    const sessions = newSessions()
    const sessionId = establish(sessions, [0, 1, 2])
    expect(sessionId).toBeGreaterThan(0)

    const second = sessions.begin(request({ sessionId, sessionEpoch: 1 }), 12)
    expect(indexes(second)).toEqual([0, 1, 2])
    const outcomes = [quiet, { ...quiet, bytes: 100 }, { ...quiet, highWatermark: 6 }]
    expect(second.finish(outcomes)).toEqual({ sessionId, included: [false, true, true] })

    // What had records goes to the end; what changed is known now.
    const third = sessions.begin(request({ sessionId, sessionEpoch: 2 }), 12)
    expect(indexes(third)).toEqual([0, 2, 1])
    const again = [quiet, { ...quiet, highWatermark: 6 }, quiet]
    expect(third.finish(again).included).toEqual([false, false, false])
  })

  test('partitions are added, changed and forgotten', () => {
    const sessions = newSessions()
    const sessionId = establish(sessions, [0, 1])
    const changed = request({ sessionId, sessionEpoch: 1, partitions: [1, 7], offset: 99 })
    const context = sessions.begin({ ...changed, ...forgotten([0]) }, 12)
    expect([...context.partitions].map((one) => [one.index, one.fetchOffset])).toEqual([
      [1, 99],
      [7, 99],
    ])
    expect(sessions.partitionCount).toBe(2)
  })

  test('a session without partitions ends', () => {
    const sessions = newSessions()
    const sessionId = establish(sessions, [0])
    const context = sessions.begin(
      { ...request({ sessionId, sessionEpoch: 1 }), ...forgotten([0]) },
      12,
    )
    expect(context.finish([]).sessionId).toBe(0)
    expect(sessions.size).toBe(0)
  })

  test('an error is answered each time, and how things stand after it', () => {
    const sessions = newSessions()
    const sessionId = establish(sessions, [0])
    const failed = { ...quiet, errorCode: 3, highWatermark: -1, logStartOffset: -1 }
    const answers = [failed, failed, quiet, quiet].map((outcome, i) =>
      sessions.begin(request({ sessionId, sessionEpoch: 1 + i }), 12).finish([outcome]),
    )
    expect(answers.map(({ included }) => included[0])).toEqual([true, true, true, false])
  })

  test('refuses sessions that are not there and epochs out of turn', () => {
    const sessions = newSessions()
    const sessionId = establish(sessions, [0])
    const errorOf = (given: Parameters<typeof fetchRequestOf>[0], version = 12) =>
      errorName(sessions.begin(request(given), version).errorCode)
    expect(errorOf({ sessionId: sessionId + 1, sessionEpoch: 1 })).toBe(
      'FETCH_SESSION_ID_NOT_FOUND',
    )
    expect(errorOf({ sessionId, sessionEpoch: 2 })).toBe('INVALID_FETCH_SESSION_EPOCH')
    expect(errorOf({ sessionId, sessionEpoch: 1 }, 13)).toBe('FETCH_SESSION_TOPIC_ID_ERROR')
    expect(errorOf({ sessionId, sessionEpoch: 1 })).toBe('NONE')
    expect(errorOf({ sessionId, sessionEpoch: 1 })).toBe('INVALID_FETCH_SESSION_EPOCH')
  })

  test('a full fetch closes the session it names', () => {
    const sessions = newSessions()
    const sessionId = establish(sessions, [0])
    sessions.begin(request({ partitions: [0], sessionId, sessionEpoch: -1 }), 12)
    expect(sessions.size).toBe(0)
  })

  test('the number of sessions is bounded: only one that had its time gives way', () => {
    const sessions = newSessions(2)
    const small = establish(sessions, [0])
    establish(sessions, [0, 1])
    expect(establish(sessions, [0, 1, 2])).toBe(0)
    clock.advance(121_000)
    // Both are idle for long: the least recently used one goes.
    expect(establish(sessions, [0])).toBeGreaterThan(0)
    expect(sessions.size).toBe(2)
    expect(sessions.evictions).toBe(1)
    expect(sessions.begin(request({ sessionId: small, sessionEpoch: 1 }), 12).errorCode).toBe(70)
  })

  test('among sessions in use a larger one takes the place of a smaller one', () => {
    const sessions = newSessions(2)
    const ids = [establish(sessions, [0, 1]), establish(sessions, [0, 1, 2, 3])]
    clock.advance(121_000)
    for (const sessionId of ids) sessions.begin(request({ sessionId, sessionEpoch: 1 }), 12)
    expect(establish(sessions, [0, 1])).toBe(0)
    expect(establish(sessions, [0, 1, 2])).toBeGreaterThan(0)
    const errorOf = (sessionId: number) =>
      sessions.begin(request({ sessionId, sessionEpoch: 2 }), 12).errorCode
    expect(ids.map(errorOf)).toEqual([70, 0])
  })
})

function forgotten(partitions: number[]): Pick<FetchRequest, 'forgottenTopicsData'> {
  return {
    forgottenTopicsData: [{ topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions }],
  }
}
