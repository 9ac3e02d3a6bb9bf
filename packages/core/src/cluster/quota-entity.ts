// What a client quota is set for (KIP-546, KIP-612): a user, a client id, both together, or an IP address;
// null stands for the default of its kind. Named by one text, `user=alice,client-id=<default>`.

export type QuotaEntityType = 'user' | 'client-id' | 'ip'

/** The types that are there; a name of null is the default. */
export type QuotaEntity = { readonly [type in QuotaEntityType]?: string | null }

/** Limits by Kafka's names: `producer_byte_rate` and so on. */
export type QuotaValues = Readonly<Record<string, number>>

/** In the order in which they stand in a key. */
export const quotaEntityTypes: readonly QuotaEntityType[] = ['user', 'client-id', 'ip']

/** Cannot be a name: '<' is escaped there. */
const defaultName = '<default>'

export function quotaEntityKey(entity: QuotaEntity): string {
  const parts = quotaEntityTypes.flatMap((type) => {
    const name = entity[type]
    if (name === undefined) return []
    return [`${type}=${name === null ? defaultName : encodeURIComponent(name)}`]
  })
  return parts.join(',')
}

/** The reverse of quotaEntityKey. */
export function readQuotaEntityKey(key: string): QuotaEntity {
  const names = key.split(',').map((part) => {
    const at = part.indexOf('=')
    const name = part.slice(at + 1)
    return [part.slice(0, at), name === defaultName ? null : decodeURIComponent(name)]
  })
  return Object.fromEntries(names)
}

export function isQuotaEntityType(text: string): text is QuotaEntityType {
  return (quotaEntityTypes as readonly string[]).includes(text)
}

const answeredTypes: readonly string[] = ['client-id', 'user', 'ip']
const answeredLimits: readonly string[] = [
  'consumer_byte_rate',
  'request_percentage',
  'producer_byte_rate',
  'controller_mutation_rate',
  'connection_creation_rate',
]

/** Parts of an entity in the order in which Kafka answers with them, whatever that of the request. */
export function inAnsweredOrder<Part extends { entityType: string }>(
  parts: readonly Part[],
): Part[] {
  const rank = ({ entityType }: Part) => answeredTypes.indexOf(entityType)
  return parts.toSorted((a, b) => rank(a) - rank(b))
}

/** The limits of an entity, likewise. */
export function limitsInAnsweredOrder(values: QuotaValues): { key: string; value: number }[] {
  const limits = Object.entries(values).map(([key, value]) => ({ key, value }))
  return limits.toSorted((a, b) => answeredLimits.indexOf(a.key) - answeredLimits.indexOf(b.key))
}
