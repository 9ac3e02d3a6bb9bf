// The transaction index of a segment, `<base>.txnindex`, Kafka's: the aborted transactions whose markers
// stand in the segment, in the order of their markers. A segment without any has no such file.
//
//   version:2 producer id:8 first offset:8 last offset:8 last stable offset:8 | …     (big-endian)

import { readInt64, writeInt64 } from '@sluice/protocol/records/batch'

const version = 0
const entryBytes = 34

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of its marker. */
  readonly lastOffset: number
  /** The last stable offset when the marker was written. */
  readonly lastStableOffset: number
}

/** Undefined where the content is not a transaction index. */
export function decodeTransactionIndex(content: Buffer): AbortedTransaction[] | undefined {
  if (content.length % entryBytes !== 0) return undefined
  const transactions: AbortedTransaction[] = []
  for (let at = 0; at < content.length; at += entryBytes) {
    if (content.readInt16BE(at) !== version) return undefined
    transactions.push({
      producerId: readInt64(content, at + 2),
      firstOffset: readInt64(content, at + 10),
      lastOffset: readInt64(content, at + 18),
      lastStableOffset: readInt64(content, at + 26),
    })
  }
  return transactions
}

export function encodeTransactionIndex(transactions: readonly AbortedTransaction[]): Buffer {
  const content = Buffer.alloc(transactions.length * entryBytes)
  transactions.forEach((transaction, i) => {
    const at = i * entryBytes
    content.writeInt16BE(version, at)
    writeInt64(content, at + 2, transaction.producerId)
    writeInt64(content, at + 10, transaction.firstOffset)
    writeInt64(content, at + 18, transaction.lastOffset)
    writeInt64(content, at + 26, transaction.lastStableOffset)
  })
  return content
}
