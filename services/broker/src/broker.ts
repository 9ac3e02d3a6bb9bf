// A broker: one process's share of a Kafka cluster. It binds its listeners, keeps the logs of its
// partitions, coordinates the groups that hash to it and answers requests through handlers/.
// Everything of the world comes in through `host`; several brokers can live in one process.

import type { Cluster } from '@sluice/core/cluster/cluster'
import type { ProducerIds } from '@sluice/core/cluster/producer-ids'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import type { GroupCoordinator } from '@sluice/core/group/coordinator'
import type { Host } from '@sluice/core/host/host'
import type { Address, Network } from '@sluice/core/host/network'
import type { Metrics } from '@sluice/core/metrics/metrics'
import type { Partitions } from '@sluice/core/partition/partitions'
import type { Purgatory } from '@sluice/core/partition/purgatory'
import type { FaultPlan } from './faults.ts'
import type { FetchSessions } from './fetch-session.ts'

export interface ListenerSpec {
  /** As in `listeners`, e.g. PLAINTEXT. Metadata answers with the address of the listener it came in by. */
  readonly name: string
  readonly network: Network
  /** Port 0 picks a free one. */
  readonly bind: Address
  /** What clients are told to connect to; 'bound' is the address that was bound. */
  readonly advertised: Address | 'bound'
}

export interface BoundListener {
  readonly spec: ListenerSpec
  readonly bound: Address
  readonly advertised: Address
}

export interface BrokerOptions {
  readonly host: Host
  readonly config: BrokerConfig
  /** Default: node.id of the config. */
  readonly nodeId?: number
  readonly listeners: readonly ListenerSpec[]
  readonly metrics: Metrics
  readonly faults?: FaultPlan
  /** Called once when the broker cannot go on (its log directory failed). The process should end. */
  readonly onFatal?: (reason: Error) => void
}

export interface Broker {
  readonly clusterId: string
  readonly nodeId: number
  readonly host: Host
  /** The effective broker configs; replaced as a whole when a dynamic one changes. */
  readonly config: BrokerConfig
  /** Those it was started with. */
  readonly startConfig: BrokerConfig
  readonly dataFolder: string
  readonly listeners: readonly BoundListener[]
  readonly cluster: Cluster
  readonly partitions: Partitions
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly fetchSessions: FetchSessions
  readonly purgatory: Purgatory
  /** Graceful: stops accepting, answers what is in flight, flushes the logs, marks a clean shutdown. */
  close(): Promise<void>
}
