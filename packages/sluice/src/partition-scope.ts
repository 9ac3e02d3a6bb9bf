// PartitionScope: partitions as they are named on the command line, `orders` or `orders:0,2`.

import type { Admin } from '@sluice/core/kafka-client/admin'
import { keyOf, type TopicPartition } from '@sluice/core/kafka-client/topic-partition'
import { Failure } from './failure.ts'
import { refuseFailed } from './outcome.ts'

export interface PartitionScope {
  readonly topic: string
  /** All without. */
  readonly partitions?: readonly number[]
}

/** Undefined where `text` is of another form. Topic names have no colon. */
export function partitionScope(text: string): PartitionScope | undefined {
  const match = /^([^:\s]+)(?::(\d{1,9}(?:,\d{1,9})*))?$/.exec(text)
  if (match === null) return undefined
  const [, topic, partitions] = match
  return partitions === undefined
    ? { topic }
    : { topic, partitions: partitions.split(',').map(Number) }
}

/** The partitions meant, each once; a Failure names what is not there. */
export async function partitionsIn(
  admin: Admin,
  scopes: readonly PartitionScope[],
): Promise<TopicPartition[]> {
  const described = await admin.describeTopics(scopes.map(({ topic }) => topic))
  refuseFailed(described.map(({ name, error }) => ({ what: `topic ${name}`, error })))
  const found = new Map<string, TopicPartition>()
  for (const [index, { topic, partitions }] of scopes.entries()) {
    const there = described[index].partitions.length
    const all = Array.from({ length: there }, (_, partition) => partition)
    for (const partition of partitions ?? all) {
      if (partition >= there) {
        throw new Failure(`topic ${topic} has ${there} partitions, and none is ${partition}`)
      }
      found.set(keyOf({ topic, partition }), { topic, partition })
    }
  }
  return [...found.values()]
}

/** As a failure names it. */
export function placeName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** Outcomes of partitions, for `refuseFailed`. */
export function outcomesOf(answers: readonly (TopicPartition & { readonly error: number })[]) {
  return answers.map((answer) => ({ what: placeName(answer), error: answer.error }))
}
