// DescribeClientQuotas (KIP-546)
// v1 flexible. A filter has a component for each type of entity that it cares for; a strict one leaves
// out entities of further types.

import {
  inAnsweredOrder,
  isQuotaEntityType,
  limitsInAnsweredOrder,
  type QuotaEntity,
  type QuotaEntityType,
  quotaEntityTypes,
} from '@sluice/core/cluster/quota-entity'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { DescribeClientQuotasRequest } from '@sluice/protocol/messages/48-describe-client-quotas'
import { type Failure, handler } from '../handler.ts'

type Component = DescribeClientQuotasRequest['components'][number]

/** MatchType of the protocol. */
const match = { exact: 0, default: 1, specified: 2 } as const

export const describeClientQuotas = handler(
  apis.describeClientQuotas,
  { min: 0, max: 1, failed: (_request, failure) => refused(failure) },
  (broker, { components, strict }) => {
    const wrong = wrongFilter(components)
    if (wrong) return refused(wrong)
    const entries = [...broker.cluster.image.quotas()]
      .filter(({ entity }) => matches(entity, components, strict))
      .map(({ entity, values }) => ({
        entity: inAnsweredOrder(
          quotaEntityTypes.flatMap((entityType) => {
            const entityName = entity[entityType]
            return entityName === undefined ? [] : [{ entityType, entityName }]
          }),
        ),
        values: limitsInAnsweredOrder(values),
      }))
    return { errorCode: 0, errorMessage: null, entries }
  },
)

function refused({ errorCode, message }: Failure) {
  return { errorCode, errorMessage: message, entries: null }
}

function wrongFilter(components: readonly Component[]): Failure | undefined {
  const types = new Set<QuotaEntityType>()
  for (const { entityType, matchType, match: name } of components) {
    if (entityType === '') return invalid('Invalid empty entity type.')
    if (!isQuotaEntityType(entityType)) {
      const message = `Unsupported entity type ${entityType}`
      return { errorCode: errors.UNSUPPORTED_VERSION, message }
    }
    if (types.has(entityType)) {
      return invalid(`Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    types.add(entityType)
    if (matchType < match.exact || matchType > match.specified) {
      return invalid(`Unknown match type ${matchType}`)
    }
    if (matchType === match.exact && name === null) {
      return invalid('Request specified MATCH_TYPE_EXACT, but set match string to null.')
    }
    if (matchType !== match.exact && name !== null) {
      const type = matchType === match.default ? 'MATCH_TYPE_DEFAULT' : 'MATCH_TYPE_SPECIFIED'
      return invalid(`Request specified ${type}, but also specified a match string.`)
    }
  }
  if (!types.has('ip') || types.size === 1) return undefined
  return invalid(
    'Invalid entity filter component combination. IP filter component should not be used with ' +
      'user or clientId filter component.',
  )
}

function matches(entity: QuotaEntity, components: readonly Component[], strict: boolean): boolean {
  for (const { entityType, matchType, match: wanted } of components) {
    const name = entity[entityType as QuotaEntityType]
    if (name === undefined) return false
    if (matchType === match.exact && name !== wanted) return false
    if (matchType === match.default && name !== null) return false
  }
  return !strict || Object.keys(entity).length === components.length
}

function invalid(message: string): Failure {
  return { errorCode: errors.INVALID_REQUEST, message }
}
