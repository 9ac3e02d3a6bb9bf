// Requests that make some sense: any API at any version, its fields filled by their names from what the
// broker knows (topics, ids, groups, members) and now and then with anything at all.

import { handlers } from '@sluice/broker/handlers/index'
import type { SeededRandom } from '@sluice/core/host/memory/random'
import { apis } from '@sluice/protocol/apis'
import { requestFrame } from '@sluice/protocol/frame'
import { batchCrc, batchField, batchHeaderBytes, writeInt32 } from '@sluice/protocol/records/batch'
import { type Field, type Fields, includes, type Type } from '@sluice/protocol/schema'
import { brokenBatches } from './broken-batches.ts'
import { batchOf } from './test-broker.ts'

export interface Vocabulary {
  readonly topics: readonly string[]
  readonly topicIds: readonly string[]
}

/** A whole request of an API that is served, at a version that is served. */
export function randomRequest(random: SeededRandom, words: Vocabulary): Buffer {
  const { api, versions } = random.pick(random.chance(0.4) ? busiest : handlers)
  // Where topics go too often there is nothing left to ask for.
  if (api === apis.deleteTopics && random.chance(0.9)) return randomRequest(random, words)
  const version = versions.min + random.integer(versions.max - versions.min + 1)
  const flexible = includes(api.request.flexible, version)
  const writer = new RequestWriter(random, words, version, flexible)
  const correlationId = random.integer(2 ** 31)
  const body = writer.struct(api.request.fields)
  return Buffer.concat(requestFrame(api, version, correlationId, random.pick([null, 'fuzz']), body))
}

/** What is most of the traffic is most of what is sent here. */
const busiest = handlers.filter(({ api }) => api.key <= apis.listOffsets.key)

const integerBits: Readonly<Record<string, number>> = { int8: 8, int16: 16, int32: 32 }
const waitMsMax = 20

class RequestWriter {
  readonly #random: SeededRandom
  readonly #words: Vocabulary
  readonly #version: number
  readonly #flexible: boolean

  constructor(random: SeededRandom, words: Vocabulary, version: number, flexible: boolean) {
    this.#random = random
    this.#words = words
    this.#version = version
    this.#flexible = flexible
  }

  struct(fields: Fields): object {
    const value: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      if (!includes(field.versions, this.#version)) continue
      value[name] = this.#field(name, field)
    }
    if (this.#flexible && this.#random.chance(0.05)) {
      value['unknownTags'] = [{ tag: 500, data: this.#random.bytes(5) }]
    }
    return value
  }

  #field(name: string, field: Field): unknown {
    const nullable = includes(field.nullable, this.#version)
    // There are no transactions yet: nothing lies behind their refusal.
    if (nullable && this.#random.chance(name === 'transactionalId' ? 0.95 : 0.2)) return null
    return this.#value(name, field.type)
  }

  #value(name: string, type: Type): unknown {
    const random = this.#random
    switch (type.kind) {
      case 'struct':
        return this.struct(type.fields)
      case 'array': {
        const length = random.pick([0, 1, 1, 1, 2, 3])
        return Array.from({ length }, () => this.#value(name, type.of))
      }
      case 'bool':
        return random.chance(0.5)
      case 'string':
        return this.#text(name)
      case 'uuid':
        return random.pick(this.#words.topicIds)
      case 'bytes':
        return random.bytes(random.integer(40))
      case 'records':
        return this.#records()
      case 'bigint64':
        return BigInt(random.integer(100))
      case 'float64':
        return random.number()
      default:
        return this.#integer(name, type.kind)
    }
  }

  #text(name: string): string {
    const random = this.#random
    if (random.chance(0.05)) return random.bytes(random.integer(300)).toString('latin1')
    if (/topic|^name$|resourceName/i.test(name)) return random.pick(this.#words.topics)
    if (/group|key$/i.test(name)) return random.pick(['', 'g1', 'g2', 'g3'])
    if (/member|instance/i.test(name)) return random.pick(['', '', 'm1', 'ghost'])
    if (/protocolType/.test(name)) return random.pick(['consumer', 'consumer', ''])
    return random.pick(['', 'range', 'retention.ms', '1000', 'max.message.bytes', 'compact'])
  }

  #integer(name: string, kind: string): number {
    const random = this.#random
    if (/^(session|rebalance)Timeout/.test(name)) return random.pick([6000, 30_000])
    if (/maxWait|timeout/i.test(name)) return random.integer(waitMsMax)
    if (random.chance(0.1)) {
      const half = 2 ** ((integerBits[kind] ?? 53) - 1)
      return random.pick([-1, -2, half - 1, kind.startsWith('uint') ? 0 : 1 - half])
    }
    if (/bytes/i.test(name)) return random.pick([0, 1, 1000, 1_000_000])
    if (/partitions$|count/i.test(name)) return random.pick([-1, 1, 1, 2, 3])
    if (name === 'acks') return random.pick([-1, -1, 0, 1])
    if (/epoch|replicaId|brokerId|factor|generation/i.test(name)) return random.pick([-1, -1, 0, 1])
    return random.integer(4)
  }

  #records(): Buffer {
    const random = this.#random
    const values = Array.from({ length: 1 + random.integer(3) }, () =>
      'x'.repeat(random.integer(60)),
    )
    const codec = random.pick(['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)
    const producer = random.chance(0.3) && {
      producerId: random.integer(3),
      producerEpoch: random.integer(2),
      baseSequence: random.integer(4),
    }
    const key = random.pick([undefined, 'key'])
    const batch = batchOf(values, { timestamp: 1_700_000_000_000, key, codec, ...producer })
    if (random.chance(0.6)) return batch
    if (random.chance(0.3)) return random.pick(brokenBatches).records ?? Buffer.alloc(0)
    // Damage that the CRC does not tell.
    const at = batchField.attributes + random.integer(batch.length - batchField.attributes)
    batch[at] = random.integer(256)
    if (batch.length > batchHeaderBytes) writeInt32(batch, batchField.crc, batchCrc(batch, 0))
    return batch
  }
}
