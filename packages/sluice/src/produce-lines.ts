// Produces lines: reads the input no faster than it is acknowledged, gives the lines of one chunk to the
// producer in one call, and stops at the first record that is refused, naming its line.

import { createReadStream, fstatSync, type Stats, statSync } from 'node:fs'
import { producerConfig } from '@sluice/core/config/client-config'
import type { ConfigEntry } from '@sluice/core/config/config-entry'
import { producerOptions } from '@sluice/core/kafka-client/client-options'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { Producer, type ProducerRecord } from '@sluice/core/kafka-client/producer'
import { bootstrapOf, invalidConfigs, withClient } from './client.ts'
import { Failure, unreadable } from './failure.ts'
import { type LineOptions, type LineReader, lineReader } from './line-records.ts'
import { lines } from './lines.ts'
import { printJson } from './output.ts'
import { type Progress, progressBar } from './progress.ts'

export interface ProduceOptions extends LineOptions {
  readonly bootstrap: string
  readonly partitioner: 'default' | 'round-robin'
  readonly config?: ConfigEntry[]
  readonly json?: boolean
}

interface Input {
  readonly stream: AsyncIterable<Buffer>
  /** undefined where it is not known beforehand. */
  readonly bytes: number | undefined
}

/** What was written to one partition. */
interface Written {
  records: number
  firstOffset: number
  lastOffset: number
}

/** Bytes of one read of the input. */
const readBytes = 256 * 1024

export async function produce(
  topic: string,
  file: string | undefined,
  options: ProduceOptions,
): Promise<void> {
  const resolved = producerConfig(options.config ?? [])
  if (!resolved.ok) throw invalidConfigs(resolved.errors)
  const { config } = resolved
  const bootstrap = bootstrapOf(options.bootstrap, config, options.config ?? [])
  const toRecord = await lineReader(options)
  const input = openInput(file)
  await withClient(bootstrap, config, async (client) => {
    const producer = new Producer(client, {
      ...producerOptions(config),
      partitioner: options.partitioner,
    })
    const progress = progressBar(input.bytes)
    const lineProducer = new LineProducer(producer, topic, toRecord)
    try {
      await lineProducer.run(input.stream, { lineBytesMax: config['max.request.size'], progress })
      await producer.close()
    } catch (error) {
      producer.abort()
      throw error
    } finally {
      progress.stop()
    }
    report(topic, lineProducer.written, options)
  })
}

/** Gives lines to a producer and follows what becomes of them. */
class LineProducer {
  readonly written = new Map<number, Written>()
  readonly #producer: Producer
  readonly #topic: string
  readonly #toRecord: LineReader
  #lineCount = 0
  #failure: Failure | undefined

  constructor(producer: Producer, topic: string, toRecord: LineReader) {
    this.#producer = producer
    this.#topic = topic
    this.#toRecord = toRecord
  }

  async run(
    input: AsyncIterable<Buffer>,
    { lineBytesMax, progress }: { lineBytesMax: number; progress: Progress },
  ): Promise<void> {
    const sent = new Set<Promise<void>>()
    for await (const some of lines(progress.watch(input), { lineBytesMax })) {
      await this.#producer.room()
      if (this.#failure) break
      const firstLine = this.#lineCount + 1
      this.#lineCount += some.length
      const records = some.map((line, index) => this.#toRecord(line, firstLine + index))
      const sending = this.#send(records, firstLine).finally(() => sent.delete(sending))
      sent.add(sending)
    }
    await this.#producer.flush()
    await Promise.all(sent)
    if (this.#failure) throw this.#failure
  }

  async #send(records: readonly ProducerRecord[], firstLine: number): Promise<void> {
    const outcomes = await this.#producer.sendEach(this.#topic, records)
    for (let index = 0; index < outcomes.length; index++) {
      const outcome = outcomes[index]
      if (outcome instanceof KafkaError) {
        this.#failure ??= refusedLine(outcome, firstLine + index)
        return
      }
      this.#count(outcome.partition, outcome.offset)
    }
  }

  #count(partition: number, offset: number): void {
    const written = this.written.get(partition)
    if (written) {
      written.records += 1
      written.lastOffset = offset
    } else {
      this.written.set(partition, { records: 1, firstOffset: offset, lastOffset: offset })
    }
  }
}

function refusedLine(error: KafkaError, line: number): Failure {
  return new Failure(`line ${line} was not written: ${error.message} (${error.name})`, {
    cause: error,
  })
}

function openInput(file: string | undefined): Input {
  if (file !== undefined) {
    const stats = statInput(file)
    return { stream: createReadStream(file, { highWaterMark: readBytes }), bytes: stats.size }
  }
  const stats = fstatSync(process.stdin.fd)
  if (!stats.isFile()) return { stream: process.stdin, bytes: undefined }
  const stream = createReadStream('', { fd: process.stdin.fd, highWaterMark: readBytes })
  return { stream, bytes: stats.size }
}

function statInput(file: string): Stats {
  try {
    return statSync(file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

function report(topic: string, written: Map<number, Written>, options: ProduceOptions): void {
  const partitions = [...written].sort(([a], [b]) => a - b)
  const records = partitions.reduce((sum, [, of]) => sum + of.records, 0)
  if (options.json) {
    const of = partitions.map(([partition, { records, firstOffset, lastOffset }]) => {
      return { partition, records, firstOffset, lastOffset }
    })
    printJson({ topic, records, partitions: of })
  } else if (process.stderr.isTTY) {
    const noun = records === 1 ? 'record' : 'records'
    process.stderr.write(`${records} ${noun} written to ${topic}\n`)
  }
}
