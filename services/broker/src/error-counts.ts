// ErrorCounts: which errors answers said, by API and code, as Kafka counts them: each error code of an
// answer counts, of every topic and partition. Where they stand is worked out of the schemas once.

import { type Api, apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import type { Fields, Type } from '@sluice/protocol/schema'

/** Topics of which failures are counted by name; those of further ones under an empty name. */
const topicsMax = 1000

/** Where error codes stand: fields that hold lists, down to structs with an errorCode. */
interface Place {
  readonly hasCode: boolean
  readonly lists: readonly { readonly name: string; readonly place: Place }[]
}

export interface ErrorCount {
  readonly api: string
  readonly error: string
  readonly count: number
}

export class ErrorCounts {
  readonly #places: (Place | undefined)[] = []
  readonly #names: string[] = []
  /** By API key, then by error code (which begins at -1). */
  readonly #counts: number[][] = []
  readonly #byTopic = { Produce: new Map<string, number>(), Fetch: new Map<string, number>() }

  /** Counts the errors of a response. */
  count(api: Api, response: object): void {
    const { key } = api
    let place = this.#places[key]
    if (!place) {
      place = placeOf(api.response.fields)
      this.#places[key] = place
      this.#names[key] = api.name
      this.#counts[key] = []
    }
    const topics = api === apis.produce || api === apis.fetch ? api.name : undefined
    this.#walk(key, place, response as Answer, topics as 'Produce' | 'Fetch' | undefined)
  }

  *counts(): IterableIterator<ErrorCount> {
    for (const [key, counts] of this.#counts.entries()) {
      if (!counts) continue
      for (const [at, count] of counts.entries()) {
        if (count > 0) yield { api: this.#names[key], error: errorName(at - 1), count }
      }
    }
  }

  /** Failures of partitions, by topic. */
  failures(api: 'Produce' | 'Fetch'): ReadonlyMap<string, number> {
    return this.#byTopic[api]
  }

  #walk(key: number, place: Place, answer: Answer, topics?: 'Produce' | 'Fetch', topic = ''): void {
    if (place.hasCode) {
      const code = (answer['errorCode'] as number | undefined) ?? 0
      const counts = this.#counts[key]
      counts[code + 1] = (counts[code + 1] ?? 0) + 1
      if (code !== 0 && topics && place.lists.length === 0) this.#failed(topics, topic)
    }
    for (const { name, place: inner } of place.lists) {
      const list = answer[name] as Answer[] | null | undefined
      if (!list) continue
      for (const one of list) {
        const named = (one['name'] ?? one['topic'] ?? topic) as string
        this.#walk(key, inner, one, topics, topics ? named : '')
      }
    }
  }

  #failed(api: 'Produce' | 'Fetch', topic: string): void {
    const failures = this.#byTopic[api]
    const name = failures.has(topic) || failures.size < topicsMax ? topic : ''
    failures.set(name, (failures.get(name) ?? 0) + 1)
  }
}

type Answer = Readonly<Record<string, unknown>>

function placeOf(fields: Fields): Place {
  const lists = Object.entries(fields).flatMap(([name, { type }]) => {
    const inner = structOf(type)
    const place = inner && placeOf(inner)
    return place && (place.hasCode || place.lists.length > 0) ? [{ name, place }] : []
  })
  return { hasCode: 'errorCode' in fields, lists }
}

/** The fields of the structs that a list holds. */
function structOf(type: Type): Fields | undefined {
  if (type.kind !== 'array' || type.of.kind !== 'struct') return undefined
  return type.of.fields
}
