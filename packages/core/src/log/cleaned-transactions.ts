// CleanedTransactions: what of the transactions in a log the cleaner may drop, learnt by going over its
// batches in order. Pure.
//
//   data of a transaction that was aborted ..... goes
//   a marker whose data is all gone ............ may go, once its delete horizon has passed
//   any other marker ........................... stays
//
// That a transaction was aborted is known before its marker comes by, from the transaction indexes.

import type { ControlType } from '@sluice/protocol/records/control'
import type { AbortedTransaction } from './transaction-index.ts'

interface Ongoing {
  readonly transaction: AbortedTransaction
  seenData: boolean
}

export interface TransactionalBatch {
  readonly producerId: number
  readonly lastOffset: number
  readonly transactional: boolean
}

export class CleanedTransactions {
  /** Those whose markers stay, for the transaction index of what is being written. */
  retained: AbortedTransaction[] = []
  /** Not reached yet, in the order of their first offsets. */
  #ahead: AbortedTransaction[] = []
  readonly #aborted = new Map<number, Ongoing>()
  readonly #committed = new Set<number>()

  /** Transactions whose data or markers stand in what is read next. One may be told of again. */
  expect(transactions: readonly AbortedTransaction[]): void {
    if (transactions.length === 0) return
    this.#ahead.push(...transactions)
    this.#ahead.sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** A batch of data. @returns whether it belongs to an aborted transaction. */
  sawData({ producerId, lastOffset, transactional }: TransactionalBatch): boolean {
    this.#reach(lastOffset)
    if (!transactional) return false
    const ongoing = this.#aborted.get(producerId)
    if (ongoing === undefined) {
      this.#committed.add(producerId)
      return false
    }
    ongoing.seenData = true
    return true
  }

  /** A marker; undefined where its record is gone already. @returns whether all its data is gone. */
  sawMarker(
    { producerId, lastOffset }: TransactionalBatch,
    type: ControlType | undefined,
  ): boolean {
    this.#reach(lastOffset)
    switch (type) {
      case undefined:
        return true
      case 'commit':
        return !this.#committed.delete(producerId)
      case 'abort': {
        const ongoing = this.#aborted.get(producerId)
        this.#aborted.delete(producerId)
        if (!ongoing?.seenData) return true
        this.retained.push(ongoing.transaction)
        return false
      }
      case 'unknown':
        return false
    }
  }

  #reach(offset: number): void {
    let reached = 0
    while (reached < this.#ahead.length && this.#ahead[reached].firstOffset <= offset) {
      const transaction = this.#ahead[reached++]
      if (this.#aborted.has(transaction.producerId)) continue
      this.#aborted.set(transaction.producerId, { transaction, seenData: false })
    }
    if (reached > 0) this.#ahead.splice(0, reached)
  }
}
