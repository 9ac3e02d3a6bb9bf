// Altering configs: one resource of a request, checked and written as a whole or not at all.

import type { ConfigOverrides } from '@sluice/core/cluster/image'
import type { Broker } from './broker.ts'
import {
  type ConfigRefusal,
  type ConfigResource,
  invalidOverrides,
  scopeOf,
  unalterable,
} from './config-resources.ts'

/** From the overrides as they are to those that are to be, or why not. */
export type Alteration = (overrides: ConfigOverrides) => ConfigOverrides | ConfigRefusal

/** @returns what the answer says of the resource. */
export async function alterResource(
  broker: Broker,
  resource: ConfigResource,
  options: { alteration: Alteration; validateOnly: boolean },
) {
  const { resourceType, resourceName } = resource
  let refusal = unalterable(broker, resource)
  if (!refusal) {
    const change = (overrides: ConfigOverrides): ConfigOverrides | undefined => {
      const altered = options.alteration(overrides)
      refusal = isRefusal(altered) ? altered : invalidOverrides(broker, resource, altered)
      if (refusal || options.validateOnly) return undefined
      return altered as ConfigOverrides
    }
    await broker.cluster.controller.alterConfigs(scopeOf(resource), resourceName, change)
  }
  return {
    errorCode: refusal?.error ?? 0,
    errorMessage: refusal?.message ?? null,
    resourceType,
    resourceName,
  }
}

function isRefusal(altered: ConfigOverrides | ConfigRefusal): altered is ConfigRefusal {
  return typeof altered['error'] === 'number'
}

/** A resource named twice in one request is refused for both. */
export function namedTwice(
  resources: readonly ConfigResource[],
  { resourceType, resourceName }: ConfigResource,
): boolean {
  const same = resources.filter(
    (one) => one.resourceType === resourceType && one.resourceName === resourceName,
  )
  return same.length > 1
}
