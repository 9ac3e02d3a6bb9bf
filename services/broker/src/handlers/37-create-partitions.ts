// CreatePartitions (KIP-195)
// v2 flexible · v3 quotas (KIP-599)

import type { Mutations } from '@sluice/core/cluster/create-topics'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { CreatePartitionsRequest } from '@sluice/protocol/messages/37-create-partitions'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

type Wanted = CreatePartitionsRequest['topics'][number]

/** Clients of older versions know no THROTTLING_QUOTA_EXCEEDED. */
const quotaErrorSince = 3

export const createPartitions = handler(
  apis.createPartitions,
  {
    min: 0,
    max: 3,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    failed: (request, { errorCode, message }) => ({
      results: request.topics.map(({ name }) => ({ name, errorCode, errorMessage: message })),
    }),
  },
  async (broker, request, context) => {
    const mutations = broker.quotas.mutationsOf(context, { strictSince: quotaErrorSince })
    const options = { validateOnly: request.validateOnly, mutations }
    const seen = new Map<string, Wanted>()
    const twice = new Set<string>()
    for (const wanted of request.topics) {
      if (seen.has(wanted.name)) twice.add(wanted.name)
      seen.set(wanted.name, wanted)
    }
    const results = []
    for (const wanted of seen.values()) {
      results.push(
        twice.has(wanted.name) ? duplicate(wanted.name) : await grow(broker, wanted, options),
      )
    }
    return { results }
  },
)

async function grow(
  broker: Broker,
  wanted: Wanted,
  options: { validateOnly: boolean; mutations: Mutations },
) {
  const { name, count, assignments } = wanted
  const outcome = await broker.cluster.controller.createPartitions(name, {
    count,
    assignments: assignments?.map(({ brokerIds }) => ({ brokers: brokerIds })) ?? null,
    ...options,
  })
  if (outcome.ok) return { name, errorCode: 0, errorMessage: null }
  return { name, errorCode: outcome.error, errorMessage: outcome.message }
}

function duplicate(name: string) {
  return { name, errorCode: errors.INVALID_REQUEST, errorMessage: 'Duplicate topic name.' }
}
