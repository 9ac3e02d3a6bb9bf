// QuotaLimits: which limit of one kind (`producer_byte_rate`) holds for a client, and with whom it shares
// it. The first that is set counts, as in Kafka:
//
//   user and client id     user, any client id     user
//   any user and client id any user, any client id any user
//   client id              any client id
//
// "Any" gives each user or client a limit of its own; a limit on users alone is shared by their clients.

import type { QuotaSetting } from '../../cluster/image.ts'
import { type QuotaEntity, quotaEntityKey } from '../../cluster/quota-entity.ts'

export interface ClientLimit {
  readonly limit: number
  /** Who shares the limit has the same one. */
  readonly meter: string
}

/** Levels of precedence: which names an entity has, and which of them are shared. */
const levels: readonly { user?: 'own' | 'any'; clientId?: 'own' | 'any' }[] = [
  { user: 'own', clientId: 'own' },
  { user: 'own', clientId: 'any' },
  { user: 'own' },
  { user: 'any', clientId: 'own' },
  { user: 'any', clientId: 'any' },
  { user: 'any' },
  { clientId: 'own' },
  { clientId: 'any' },
]

/** Clients whose limit is remembered; beyond that they are looked up anew. */
const knownMax = 10_000

export class QuotaLimits {
  readonly #limits = new Map<string, number>()
  readonly #known = new Map<string, ClientLimit | undefined>()

  constructor(settings: Iterable<QuotaSetting>, key: string) {
    for (const { entity, values } of settings) {
      if (entity.ip === undefined && Object.hasOwn(values, key)) {
        this.#limits.set(quotaEntityKey(entity), values[key])
      }
    }
  }

  get none(): boolean {
    return this.#limits.size === 0
  }

  find(user: string, clientId: string): ClientLimit | undefined {
    const client = `${user}\0${clientId}`
    if (this.#known.has(client)) return this.#known.get(client)
    const found = this.#find(user, clientId)
    if (this.#known.size >= knownMax) this.#known.clear()
    this.#known.set(client, found)
    return found
  }

  #find(user: string, clientId: string): ClientLimit | undefined {
    for (const level of levels) {
      const entity: QuotaEntity = {
        ...(level.user && { user: level.user === 'own' ? user : null }),
        ...(level.clientId && { 'client-id': level.clientId === 'own' ? clientId : null }),
      }
      const limit = this.#limits.get(quotaEntityKey(entity))
      if (limit === undefined) continue
      const shared: QuotaEntity = {
        ...(level.user && { user }),
        ...(level.clientId && { 'client-id': clientId }),
      }
      return { limit, meter: quotaEntityKey(shared) }
    }
    return undefined
  }
}
