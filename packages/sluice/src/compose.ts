// Compose: the one place where a Host, a broker and a gateway are put together. Every shape (dev, server,
// embedded) comes through here and differs only in what it passes.
//
//   clients ── TCP ──┬─ Kafka ── broker ── Host: clock random disk table
//                    └─ HTTP ─── gateway ── KafkaClient ── memory network ── broker
//
// The gateway is a Kafka client like any other, on a listener of its own inside the process. It is loaded
// with the first HTTP request: a start, and whoever speaks only Kafka, does without.

import type { Broker } from '@sluice/broker/broker'
import type { FaultPlan } from '@sluice/broker/faults'
import type { BoundListener } from '@sluice/broker/listener-spec'
import { createBroker } from '@sluice/broker/running-broker'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import type { Clock } from '@sluice/core/host/clock'
import type { Disk } from '@sluice/core/host/disk'
import { type LogLevel, LogLevels, loggerNames } from '@sluice/core/host/log-levels'
import type { Logger } from '@sluice/core/host/logger'
import { MemoryNetwork } from '@sluice/core/host/memory/network'
import type { Address } from '@sluice/core/host/network'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { NodeRandom } from '@sluice/core/host/node/random'
import { type Table, TableError } from '@sluice/core/host/table'
import { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { Metrics } from '@sluice/core/metrics/metrics'
import { HttpFront } from './http-front.ts'
import type { PlannedListener } from './listeners.ts'
import { sharedPort } from './port.ts'
import { publishProcess } from './process-metrics.ts'

export interface CompositionOptions {
  readonly config: BrokerConfig
  readonly listeners: readonly PlannedListener[]
  readonly storage: { readonly kind: 'memory' } | { readonly kind: 'disk'; readonly folder: string }
  readonly clock: Clock
  readonly logger: Logger
  /** Of all parts to begin with; default INFO. */
  readonly logLevel?: LogLevel
  readonly faults?: FaultPlan
  readonly onFatal?: (reason: Error) => void
}

export interface Composition {
  readonly broker: Broker
  /** What clients are told to connect to, as Kafka's bootstrap.servers. */
  readonly bootstrapServers: string
  readonly httpUrl: string
  /** A client inside the process. */
  readonly client: KafkaClient
  /** Graceful: what is under way finishes. */
  close(): Promise<void>
}

const gatewayListener = 'SLUICE_GATEWAY'
const gatewayAddress: Address = { host: 'gateway', port: 1 }
const tableName = 'sluice.sqlite'

export async function compose(options: CompositionOptions): Promise<Composition> {
  const { config, clock, logger, storage, onFatal } = options
  const random = new NodeRandom()
  const metrics = new Metrics()
  publishProcess(metrics)
  const logs = new LogLevels(logger, options.logLevel ?? 'INFO')
  const inside = new MemoryNetwork(clock)
  const client = new KafkaClient({
    ...{ network: inside, clock, random, logger },
    bootstrap: [gatewayAddress],
    clientId: 'sluice-gateway',
  })
  const http = new HttpFront({ client, config, clock, logger: logs.of(loggerNames.http), metrics })
  const outside = new NodeNetwork({ divert: sharedPort({ http: (socket) => http.take(socket) }) })
  const { disk, table } = await openStorage(storage, clock)
  try {
    const broker = await createBroker({
      host: { clock, random, disk, network: outside, table, logger },
      logs,
      config,
      listeners: [
        ...options.listeners.map((planned) => ({ ...planned, network: outside })),
        {
          name: gatewayListener,
          network: inside,
          bind: gatewayAddress,
          advertised: 'bound',
          internal: true,
        },
      ],
      metrics,
      faults: options.faults,
      onFatal,
    })
    const listeners = broker.listeners.filter(({ spec }) => spec.network === outside)
    http.open(hostsOf(listeners), broker)
    const places = listeners.map(({ advertised }) => placeOf(advertised))
    const close = async () => {
      await http.close()
      client.close()
      await broker.close()
      await table.close()
    }
    return {
      broker,
      client,
      bootstrapServers: places.join(','),
      httpUrl: `http://${places[0]}`,
      close: once(close),
    }
  } catch (error) {
    client.close()
    await table.close()
    throw error
  }
}

/** Storage is loaded by kind: SQLite is not needed in memory, nor is memory on a disk. */
async function openStorage(
  storage: CompositionOptions['storage'],
  clock: Clock,
): Promise<{ disk: Disk; table: Table }> {
  if (storage.kind === 'memory') {
    const { MemoryDisk } = await import('@sluice/core/host/memory/disk')
    const { MemoryTable, MemoryTableStore } = await import('@sluice/core/host/memory/table')
    return { disk: new MemoryDisk(), table: new MemoryTable(new MemoryTableStore(clock)) }
  }
  const { NodeDisk } = await import('@sluice/core/host/node/disk')
  const { SqliteTable } = await import('@sluice/core/host/local/table')
  const file = `${storage.folder}/${tableName}`
  try {
    return { disk: new NodeDisk(), table: await SqliteTable.open(file, clock) }
  } catch (error) {
    if (!(error instanceof TableError)) throw error
    throw new TableError(`${file}: ${error.message}`, { retryable: false, cause: error })
  }
}

/** Names that an HTTP request may call this server by. */
function hostsOf(listeners: readonly BoundListener[]): string[] {
  return [...new Set(listeners.flatMap(({ bound, advertised }) => [bound.host, advertised.host]))]
}

function placeOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Every call gets the promise of the first. */
function once(run: () => Promise<void>): () => Promise<void> {
  let started: Promise<void> | undefined
  return () => {
    started ??= run()
    return started
  }
}
