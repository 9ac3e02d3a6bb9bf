// A broker: one process's share of a Kafka cluster. It keeps the logs of its partitions, coordinates the
// groups that hash to it and answers requests through handlers/, which see it as this; running-broker.ts
// puts it together.

import type { Cluster } from '@sluice/core/cluster/cluster'
import type { ProducerIds } from '@sluice/core/cluster/producer-ids'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import type { GroupCoordinator } from '@sluice/core/group/coordinator'
import type { Host } from '@sluice/core/host/host'
import type { LogLevels } from '@sluice/core/host/log-levels'
import type { LogManager } from '@sluice/core/log/log-manager'
import type { DirMoves } from '@sluice/core/partition/dir-moves'
import type { LogCleaner } from '@sluice/core/partition/log-cleaner'
import type { Partitions } from '@sluice/core/partition/partitions'
import type { Purgatory } from '@sluice/core/partition/purgatory'
import type { ConnectionLimits } from './connection-limits.ts'
import type { FetchSessions } from './fetch-session.ts'
import type { BoundListener } from './listener-spec.ts'
import type { Quotas } from './quotas.ts'

export interface Broker {
  readonly clusterId: string
  readonly nodeId: number
  readonly host: Host
  readonly logs: LogLevels
  /** The effective broker configs; replaced as a whole when a dynamic one changes. */
  readonly config: BrokerConfig
  /** Those it was started with. */
  readonly startConfig: BrokerConfig
  readonly logManager: LogManager
  /** Logs on their way from one log directory to another. */
  readonly dirMoves: DirMoves
  readonly listeners: readonly BoundListener[]
  readonly cluster: Cluster
  readonly partitions: Partitions
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly fetchSessions: FetchSessions
  readonly purgatory: Purgatory
  readonly quotas: Quotas
  readonly connectionLimits: ConnectionLimits
  readonly logCleaner: LogCleaner
  /** A limit on connections may have room again: one of another protocol ended. */
  connectionEnded(): void
  /** Graceful: stops accepting, answers what is in flight, flushes the logs, marks a clean shutdown. */
  close(): Promise<void>
}
