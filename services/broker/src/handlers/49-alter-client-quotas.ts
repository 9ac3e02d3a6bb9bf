// AlterClientQuotas (KIP-546)
// v1 flexible. Each entity is altered in its own right; one that is named twice is not altered at all.

import { isRefusal, parseQuotaEntity } from '@sluice/core/cluster/alter-quotas'
import {
  inAnsweredOrder,
  type QuotaEntity,
  quotaEntityKey,
} from '@sluice/core/cluster/quota-entity'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { AlterClientQuotasRequest } from '@sluice/protocol/messages/49-alter-client-quotas'
import { handler } from '../handler.ts'

type Entry = AlterClientQuotasRequest['entries'][number]

export const alterClientQuotas = handler(
  apis.alterClientQuotas,
  {
    min: 0,
    max: 1,
    failed: ({ entries }, { errorCode, message }) => ({
      entries: entries.map((entry) => answer(entry, errorCode, message)),
    }),
  },
  async (broker, { entries, validateOnly }) => {
    const parsed = entries.map(({ entity }) => parseQuotaEntity(entity))
    const keys = parsed.map((entity) => (isRefusal(entity) ? undefined : quotaEntityKey(entity)))
    const { controller } = broker.cluster
    const answers = []
    for (const [n, entry] of entries.entries()) {
      const entity = parsed[n]
      if (isRefusal(entity)) {
        answers.push(answer(entry, entity.error, entity.message))
      } else if (isTwice(keys, keys[n])) {
        answers.push(answer(entry, errors.INVALID_REQUEST, duplicate(entity)))
      } else {
        const outcome = await controller.alterQuotas(entity, entry.ops, { validateOnly })
        answers.push(outcome.ok ? answer(entry) : answer(entry, outcome.error, outcome.message))
      }
    }
    return { entries: answers }
  },
)

function isTwice(keys: readonly (string | undefined)[], key: string | undefined): boolean {
  return keys.indexOf(key) !== keys.lastIndexOf(key)
}

function duplicate(entity: QuotaEntity): string {
  return `Ignoring duplicate entity ${quotaEntityKey(entity)}`
}

function answer({ entity }: Entry, errorCode = 0, errorMessage: string | null = null) {
  return { errorCode, errorMessage, entity: inAnsweredOrder(entity) }
}
