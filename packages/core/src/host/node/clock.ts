// The machine's clock. All timers stand in one heap over a single Node timer: setting and cancelling
// costs no system resource, and nothing keeps the process alive.
//
// advance(ms) moves both clocks ahead and runs what falls due, for tests against an embedded broker.

import { assert } from '../../lib/assert.ts'
import { Heap, type HeapItem } from '../../lib/heap.ts'
import type { Clock, Timer } from '../clock.ts'

interface Entry extends HeapItem {
  readonly run: () => void
  readonly dueMs: number
  readonly sequence: number
}

/** Node's timers take 31 bits. */
const nodeDelayMsMax = 2 ** 31 - 1

export class NodeClock implements Clock {
  readonly #entries = new Heap<Entry>(isBefore)
  #nodeTimer: NodeJS.Timeout | undefined
  /** When the Node timer will fire (monotonic); infinite when none is set. */
  #wakeMs = Number.POSITIVE_INFINITY
  #advancedMs = 0
  #sequence = 0

  now(): number {
    return Date.now() + this.#advancedMs
  }

  monotonic(): number {
    return performance.now() + this.#advancedMs
  }

  setTimer(delayMs: number, run: () => void): Timer {
    assert(delayMs >= 0, 'a timer lies in the future')
    const dueMs = this.monotonic() + delayMs
    const entry: Entry = { run, dueMs, sequence: this.#sequence++, heapIndex: -1 }
    this.#entries.push(entry)
    if (dueMs < this.#wakeMs) this.#arm()
    return { cancel: () => this.#entries.remove(entry) }
  }

  defer(run: () => void): void {
    setImmediate(run)
  }

  /** Moves wall and monotonic time ahead by whole milliseconds; due timers run before it returns. */
  advance(ms: number): void {
    assert(Number.isInteger(ms) && ms >= 0, 'time moves ahead by whole milliseconds')
    this.#advancedMs += ms
    this.#runDue()
  }

  /** Sets the Node timer for the first entry. A timer that is set too early only looks once too often. */
  #arm(): void {
    const first = this.#entries.peek()
    clearTimeout(this.#nodeTimer)
    this.#wakeMs = first?.dueMs ?? Number.POSITIVE_INFINITY
    if (first === undefined) return
    const delayMs = Math.ceil(Math.max(0, first.dueMs - this.monotonic()))
    this.#nodeTimer = setTimeout(() => this.#runDue(), Math.min(delayMs, nodeDelayMsMax)).unref()
  }

  /** Runs what is due now; what those timers set with no delay waits for the next turn. */
  #runDue(): void {
    const nowMs = this.monotonic()
    const nextSequence = this.#sequence
    try {
      for (;;) {
        const first = this.#entries.peek()
        if (first === undefined || first.dueMs > nowMs || first.sequence >= nextSequence) break
        this.#entries.pop()
        first.run()
      }
    } finally {
      this.#arm()
    }
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs === b.dueMs ? a.sequence < b.sequence : a.dueMs < b.dueMs
}
