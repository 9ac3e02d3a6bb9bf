// OffsetFile: offsets of a group as CSV, the form of Kafka's kafka-consumer-groups --export:
//
//   topic,partition,offset        or, of several groups,        group,topic,partition,offset

import { keyOf, type TopicPartition } from '@sluice/core/kafka-client/topic-partition'
import { usageFailure } from './failure.ts'

export interface FileOffset extends TopicPartition {
  readonly offset: number
}

const lineForm = /^(?:([^,]*),)?([^,\s]+),(\d{1,9}),(\d{1,15})$/

/** Lines of other groups are left out; a Failure names the line that is none. */
export function parseOffsets(text: string, { file, group }: { file: string; group: string }) {
  const offsets = new Map<string, FileOffset>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim().replaceAll('"', '')
    if (line === '') continue
    const match = lineForm.exec(line)
    if (match === null) {
      throw usageFailure(
        `${file}:${index + 1}: '${line}' is not of the form topic,partition,offset`,
      )
    }
    const [, ofGroup, topic, partition, offset] = match
    if (ofGroup !== undefined && ofGroup !== group) continue
    const entry = { topic, partition: Number(partition), offset: Number(offset) }
    offsets.set(keyOf(entry), entry)
  }
  return offsets
}

export function offsetLine({ topic, partition, offset }: FileOffset): string {
  return `${topic},${partition},${offset}`
}
