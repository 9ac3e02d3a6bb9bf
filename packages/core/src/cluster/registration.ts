// Registration: a broker makes itself known: where it listens and which directory its data is in. From
// then on Metadata names it and partitions may be placed on it.

import type { Cluster } from './cluster.ts'
import type { BrokerImage, Endpoint } from './image.ts'

export interface RegistrationOptions {
  readonly nodeId: number
  readonly directoryId: string
  readonly rack: string | null
  readonly endpoints: readonly Endpoint[]
}

/** @returns the registered broker with its new epoch. */
export function register(cluster: Cluster, options: RegistrationOptions): Promise<BrokerImage> {
  const { nodeId, directoryId, rack, endpoints } = options
  return cluster.controller.registerBroker({
    id: nodeId,
    directoryId,
    rack,
    endpoints,
    fenced: false,
  })
}
