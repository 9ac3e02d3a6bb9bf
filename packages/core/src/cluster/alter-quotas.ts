// What a request to alter client quotas comes to: the values of an entity afterwards, or Kafka's error.
// Pure: the controller writes.

import { errors } from '@sluice/protocol/errors'
import {
  isQuotaEntityType,
  type QuotaEntity,
  type QuotaEntityType,
  type QuotaValues,
} from './quota-entity.ts'
import { type Refusal, refusal } from './refusal.ts'

/** An entity as a request names it: not checked yet. */
export interface NamedEntity {
  readonly entityType: string
  readonly entityName: string | null
}

export interface QuotaOperation {
  readonly key: string
  readonly value: number
  readonly remove: boolean
}

interface QuotaKind {
  readonly whole: boolean
  readonly max: number
  readonly maxType: string
}

const long: QuotaKind = { whole: true, max: 2 ** 63, maxType: 'LONG' }
const int: QuotaKind = { whole: true, max: 2 ** 31 - 1, maxType: 'INT' }
const double: QuotaKind = { whole: false, max: Number.MAX_VALUE, maxType: 'DOUBLE' }

const clientQuotas: Readonly<Record<string, QuotaKind>> = {
  producer_byte_rate: long,
  consumer_byte_rate: long,
  request_percentage: double,
  controller_mutation_rate: double,
}
const ipQuotas: Readonly<Record<string, QuotaKind>> = { connection_creation_rate: int }

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/

/** The entity that a request names, or why it names none. */
export function parseQuotaEntity(named: readonly NamedEntity[]): QuotaEntity | Refusal {
  if (named.length === 0) return invalid('Invalid empty client quota entity')
  const entity: { [type in QuotaEntityType]?: string | null } = {}
  for (const { entityType, entityName } of named) {
    if (!isQuotaEntityType(entityType)) {
      return invalid(`Unhandled client quota entity type: ${entityType}`)
    }
    if (entity[entityType] !== undefined) {
      return invalid(`Duplicate entity type: ${entityType}`)
    }
    if (entityName === '') return invalid(`Empty ${entityType} not supported`)
    entity[entityType] = entityName
  }
  const { ip } = entity
  if (ip === undefined) return entity
  if (named.length > 1) {
    return invalid(
      'Invalid quota entity combination, IP entity should not be combined with User or ClientId',
    )
  }
  if (ip !== null && !isIpAddress(ip)) return invalid(`${ip} is not a valid IP address.`)
  return entity
}

export function isRefusal(parsed: QuotaEntity | QuotaValues | Refusal): parsed is Refusal {
  return (parsed as Refusal).ok === false
}

/** The values of `entity` afterwards, which are `values` now. */
export function planQuotas(
  entity: QuotaEntity,
  values: QuotaValues,
  operations: readonly QuotaOperation[],
): QuotaValues | Refusal {
  const kinds = entity.ip === undefined ? clientQuotas : ipQuotas
  const altered: Record<string, number> = { ...values }
  const seen = new Set<string>()
  for (const { key, value, remove } of operations) {
    if (seen.has(key)) return invalid(`Duplicate quota key ${key}`)
    seen.add(key)
    const kind = Object.hasOwn(kinds, key) ? kinds[key] : undefined
    if (!kind) return invalid(`Invalid configuration key ${key}`)
    const wrong = remove ? undefined : wrongValue(key, value, kind)
    if (wrong) return wrong
    if (remove) delete altered[key]
    else altered[key] = kind.whole ? Math.round(value) : value
  }
  return altered
}

function wrongValue(key: string, value: number, kind: QuotaKind): Refusal | undefined {
  if (!(value > 0)) return invalid(`Quota ${key} must be greater than 0`)
  if (value > kind.max) {
    return invalid(`Proposed value for ${key} is too large for a ${kind.maxType}.`)
  }
  // As Kafka: what differs from a whole number by less than this is meant to be one.
  const tolerance = 1e-6
  if (kind.whole && Math.abs(Math.round(value) - value) > tolerance) {
    return invalid(`${key} cannot be a fractional value.`)
  }
  return undefined
}

function isIpAddress(text: string): boolean {
  return ipv4.test(text) || (text.includes(':') && URL.canParse(`http://[${text}]/`))
}

function invalid(message: string): Refusal {
  return refusal(errors.INVALID_REQUEST, message)
}
