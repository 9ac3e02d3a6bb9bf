// AlterConfigs
// v2 flexible. Replaces all overrides of a resource at once; superseded by IncrementalAlterConfigs.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { AlterConfigsRequest } from '@sluice/protocol/messages/33-alter-configs'
import { type Alteration, alterResource, namedTwice } from '../alter-configs.ts'
import { resourceType } from '../config-resources.ts'
import { handler } from '../handler.ts'

type Resource = AlterConfigsRequest['resources'][number]

export const alterConfigs = handler(
  apis.alterConfigs,
  {
    min: 0,
    max: 2,
    failed: (request, { errorCode, message }) => ({
      responses: request.resources.map(({ resourceType: type, resourceName }) => ({
        errorCode,
        errorMessage: message,
        resourceType: type,
        resourceName,
      })),
    }),
  },
  async (broker, request) => {
    const { validateOnly, resources } = request
    const responses = []
    for (const resource of resources) {
      if (resource.resourceType === resourceType.brokerLogger) {
        responses.push(noLoggers(resource))
        continue
      }
      const alteration = namedTwice(resources, resource) ? refuseTwice : replace(resource)
      responses.push(await alterResource(broker, resource, { alteration, validateOnly }))
    }
    return { responses }
  },
)

const refuseTwice: Alteration = () => ({
  error: errors.INVALID_REQUEST,
  message: 'Each resource must appear at most once.',
})

function noLoggers({ resourceType: type, resourceName }: Resource) {
  const errorMessage =
    'AlterConfigs is deprecated and does not support the resource type BROKER_LOGGER'
  const errorCode = errors.INVALID_REQUEST
  return { errorCode, errorMessage, resourceType: type, resourceName }
}

function replace({ configs }: Resource): Alteration {
  return () => {
    if (new Set(configs.map(({ name }) => name)).size !== configs.length) {
      return { error: errors.INVALID_REQUEST, message: 'Error due to duplicate config keys' }
    }
    const missing = configs.find(({ value }) => value === null)
    if (missing) {
      const message = `Null value not supported for : ${missing.name}`
      return { error: errors.INVALID_REQUEST, message }
    }
    return Object.fromEntries(configs.map(({ name, value }) => [name, value ?? '']))
  }
}
