// The broker's configs as they are in force: those it was started with, overlaid by what was altered for
// all brokers and then for this one.

import type { ConfigOverrides, MetadataImage } from '@sluice/core/cluster/image'
import {
  type BrokerConfig,
  type ListenerOverrides,
  listenerLimit,
  listenerOverrides,
  resolveListenerOverrides,
} from '@sluice/core/config/broker-config'
import { type Definition, parseValue } from '@sluice/core/config/definition'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { clusterWide, perBroker } from '@sluice/core/config/tables/dynamic'

export function dynamicConfig(
  start: BrokerConfig,
  image: MetadataImage,
  nodeId: number,
): BrokerConfig {
  return overlaid(start, {
    ofAll: image.configs('broker', ''),
    own: image.configs('broker', String(nodeId)),
  })
}

/** `start` overlaid by what is set for all brokers and by this one's own. */
export function overlaid(
  start: BrokerConfig,
  { ofAll, own }: { ofAll: ConfigOverrides; own: ConfigOverrides },
): BrokerConfig {
  if (Object.keys(ofAll).length + Object.keys(own).length === 0) return start
  return Object.freeze({
    ...start,
    ...parsed(ofAll),
    ...parsed(own),
    [listenerOverrides]: withOverrides(start[listenerOverrides], { ...ofAll, ...own }),
  })
}

/** Overrides were checked when they were stored; one that means nothing any more is left out. */
function parsed(overrides: ConfigOverrides): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(overrides)) {
    const isDynamic = clusterWide.has(name) || perBroker.has(name)
    if (!isDynamic || !Object.hasOwn(brokerConfigs, name)) continue
    const definition: Definition<unknown> = brokerConfigs[name as keyof typeof brokerConfigs]
    const result = parseValue(definition, text)
    if (result.ok) values[name] = result.value
  }
  return values
}

function withOverrides(start: ListenerOverrides, overrides: ConfigOverrides): ListenerOverrides {
  const entries = Object.entries(overrides)
    .filter(([name]) => listenerLimit(name))
    .map(([name, value]) => ({ name, value }))
  const altered = resolveListenerOverrides(entries).byListener
  const merged = new Map(start)
  for (const [listener, values] of altered) {
    merged.set(listener, { ...merged.get(listener), ...values })
  }
  return merged
}
