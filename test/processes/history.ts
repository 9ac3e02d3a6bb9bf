// History: what producers were told and what is in the log, and whether the one fits the other. Values are
// unique in a topic.

import { Consumer } from '@sluice/core/kafka-client/consumer'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'

interface Stored {
  readonly offset: number
  readonly value: string
}

const pollMs = 200
/** A partition that gives nothing for so long has nothing more. */
const silenceMs = 3_000

export class History {
  readonly #sent = new Set<string>()
  /** `partition/offset` of what was acknowledged, by value; an offset of -1 was not told. */
  readonly #acknowledged = new Map<string, { partition: number; offset: number }>()

  get acknowledged(): number {
    return this.#acknowledged.size
  }

  sends(value: string): void {
    this.#sent.add(value)
  }

  acknowledges(value: string, partition: number, offset: number): void {
    this.#acknowledged.set(value, { partition, offset })
  }

  /** Everything that is wrong with the logs, in words; none when the promise was kept. */
  violations(logs: ReadonlyMap<number, readonly Stored[]>): string[] {
    const wrong: string[] = []
    const places = new Map<string, string>()
    for (const [partition, records] of logs) {
      records.forEach(({ offset, value }, index) => {
        const place = `${partition}/${offset}`
        if (offset !== index) wrong.push(`${place} stands where offset ${index} should be`)
        if (!this.#sent.has(value)) wrong.push(`${place}: nobody sent ${value}`)
        const other = places.get(value)
        if (other !== undefined) wrong.push(`${value} is at ${other} and at ${place}`)
        places.set(value, place)
      })
    }
    for (const [value, { partition, offset }] of this.#acknowledged) {
      const place = places.get(value)
      if (place === undefined)
        wrong.push(`${value}, acknowledged at ${partition}/${offset}, is lost`)
      else if (offset !== -1 && place !== `${partition}/${offset}`) {
        wrong.push(`${value}, acknowledged at ${partition}/${offset}, is at ${place}`)
      }
    }
    return wrong
  }
}

/** All records of the topic by partition, from the start to the high watermark. */
export async function readTopic(
  client: KafkaClient,
  topic: string,
  partitions: number,
): Promise<Map<number, Stored[]>> {
  const logs = new Map<number, Stored[]>()
  const assignment = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  for (const { partition } of assignment) logs.set(partition, [])
  const consumer = new Consumer(client, { offsetReset: 'earliest' })
  consumer.assign(assignment)
  const atEnd = () =>
    assignment.every((one) => {
      const { position, highWatermark } = consumer.position(one) ?? {}
      return highWatermark !== -1 && position === highWatermark
    })
  for (let silentMs = 0; silentMs < silenceMs && !atEnd(); ) {
    const polled = await consumer.poll(pollMs)
    silentMs = polled.length > 0 ? 0 : silentMs + pollMs
    for (const { partition, records } of polled) {
      for (const { offset, value } of records) {
        logs.get(partition)?.push({ offset, value: String(value) })
      }
    }
  }
  consumer.close()
  return logs
}
