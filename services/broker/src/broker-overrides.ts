// Broker configs that are altered while brokers run: which may be, for one broker or for all, and to what.
// A name that nobody knows is kept, as in Kafka: it may be meant for a plugin.

import type { ConfigOverrides } from '@sluice/core/cluster/image'
import { listenerLimit } from '@sluice/core/config/broker-config'
import { brokerConflicts } from '@sluice/core/config/conflicts'
import { type Definition, parseValue } from '@sluice/core/config/definition'
import { invalidValue } from '@sluice/core/config/resolve'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import {
  clusterWide,
  perBroker,
  perListener,
  threadCounts,
} from '@sluice/core/config/tables/dynamic'
import type { Broker } from './broker.ts'
import { overlaid } from './dynamic-config.ts'

/** Why these overrides cannot stand; undefined: they can. `ofAll`: they are meant for all brokers. */
export function invalidBrokerOverrides(
  broker: Broker,
  overrides: ConfigOverrides,
  { ofAll }: { ofAll: boolean },
): string | undefined {
  const names = Object.keys(overrides)
  const known = names.filter((name) => Object.hasOwn(brokerConfigs, name))
  const readOnly = known.filter((name) => !clusterWide.has(name) && !perBroker.has(name))
  if (readOnly.length > 0) return `Cannot update these configs dynamically: ${setOf(readOnly)}`
  const bare = known.filter((name) => perListener.has(name))
  if (bare.length > 0) {
    return (
      'These security configs can be dynamically updated only per-listener using the listener ' +
      `prefix: ${setOf(bare)}`
    )
  }
  const ofOne = ofAll ? known.filter((name) => perBroker.has(name)) : []
  if (ofOne.length > 0) {
    return (
      'Cannot update these configs at default cluster level, broker id must be specified: ' +
      setOf(ofOne)
    )
  }
  for (const name of names) {
    const wrong = wrongValue(name, overrides[name])
    if (wrong !== undefined) return wrong
  }
  return wrongTogether(broker, overrides, ofAll)
}

function setOf(names: readonly string[]): string {
  return `Set(${names.join(', ')})`
}

function wrongValue(name: string, text: string): string | undefined {
  const base = listenerLimit(name)?.name ?? name
  if (!Object.hasOwn(brokerConfigs, base)) return undefined
  const definition: Definition<unknown> = brokerConfigs[base as keyof typeof brokerConfigs]
  const parsed = parseValue(definition, text)
  return parsed.ok ? undefined : invalidValue(name, text, parsed.message)
}

/** What would be in force then is looked at as a whole: a value that something else hides does no harm. */
function wrongTogether(
  { startConfig, config, cluster, nodeId }: Broker,
  overrides: ConfigOverrides,
  ofAll: boolean,
): string | undefined {
  const { image } = cluster
  const wanted = overlaid(startConfig, {
    ofAll: ofAll ? overrides : image.configs('broker', ''),
    own: ofAll ? image.configs('broker', String(nodeId)) : overrides,
  })
  const [conflict] = brokerConflicts(wanted)
  if (conflict) return conflict.message
  for (const name of threadCounts as ReadonlySet<keyof typeof brokerConfigs>) {
    const wrong = wrongThreads(name, Number(wanted[name]), Number(config[name]))
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function wrongThreads(name: string, wanted: number, current: number): string | undefined {
  if (wanted === current) return undefined
  if (name === 'log.cleaner.threads') return wrongCleanerThreads(wanted, current)
  const failed = `Dynamic thread count update validation failed for ${name}=${wanted}`
  if (wanted < 1) return `${failed}, value should be at least 1`
  if (wanted < Math.floor(current / 2)) {
    return `${failed}, value should be at least half the current value ${current}`
  }
  if (wanted > current * 2) {
    return `${failed}, value should not be greater than double the current value ${current}`
  }
  return undefined
}

function wrongCleanerThreads(wanted: number, current: number): string | undefined {
  if (wanted < 1) return 'Log cleaner threads should be at least 1'
  if (wanted < Math.floor(current / 2)) {
    return `Log cleaner threads cannot be reduced to less than half the current value ${current}`
  }
  if (wanted > current * 2) {
    return `Log cleaner threads cannot be increased to more than double the current value ${current}`
  }
  return undefined
}
