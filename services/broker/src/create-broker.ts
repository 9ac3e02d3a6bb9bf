// createBroker: puts a broker together and starts it. In this order:
//
//   logs recovered -> metadata read -> partitions -> groups -> listeners bound -> registered -> served
//
// and back again when it closes: nothing new is accepted, what is in flight is answered, the logs are
// flushed and closed, the clean shutdown is marked.

import { Cluster } from '@sluice/core/cluster/cluster'
import { ProducerIds } from '@sluice/core/cluster/producer-ids'
import { register } from '@sluice/core/cluster/registration'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import { GroupCoordinator } from '@sluice/core/group/coordinator'
import type { Host } from '@sluice/core/host/host'
import { TimerQueue } from '@sluice/core/lib/timer-queue'
import { LogManager } from '@sluice/core/log/log-manager'
import { Partitions } from '@sluice/core/partition/partitions'
import { Purgatory } from '@sluice/core/partition/purgatory'
import { Turn } from '@sluice/core/partition/turn'
import type { BoundListener, Broker, BrokerOptions } from './broker.ts'
import { handlerTable, type Services } from './dispatch.ts'
import { dynamicConfig } from './dynamic-config.ts'
import { Elections } from './elections.ts'
import { FetchSessions } from './fetch-session.ts'
import { GroupLog } from './group-log.ts'
import { handlers } from './handlers/index.ts'
import { Listeners } from './listener.ts'
import { MemoryBudget, memoryBudgetDefault } from './memory-budget.ts'
import { RequestMetrics, Traffic } from './request-metrics.ts'

/** How long a stopping broker waits for requests in flight (long polls are answered when they end). */
const drainTimeoutMs = 2000

export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const broker = await RunningBroker.open(options)
  try {
    await broker.serve(options)
  } catch (cause) {
    await broker.close()
    throw cause
  }
  return broker
}

interface Parts {
  readonly logs: LogManager
  readonly cluster: Cluster
  readonly partitions: Partitions
  readonly timers: TimerQueue
  readonly turn: Turn
}

class RunningBroker implements Broker {
  readonly host: Host
  readonly nodeId: number
  readonly startConfig: BrokerConfig
  readonly cluster: Cluster
  readonly partitions: Partitions
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly fetchSessions: FetchSessions
  readonly purgatory: Purgatory
  readonly #parts: Parts
  readonly #elections: Elections
  readonly #services: Services
  readonly #listeners: Listeners
  #config: BrokerConfig
  #bound: BoundListener[] = []
  #closing: Promise<void> | undefined

  private constructor(options: BrokerOptions, nodeId: number, parts: Parts) {
    const { host, config } = options
    const { clock, random, logger } = host
    this.host = host
    this.nodeId = nodeId
    this.startConfig = config
    this.#parts = parts
    this.cluster = parts.cluster
    this.partitions = parts.partitions
    this.#config = dynamicConfig(config, this.cluster.image, nodeId)
    this.producerIds = new ProducerIds(() => this.cluster.controller.allocateProducerIds())
    this.purgatory = new Purgatory({ timers: parts.timers, turn: parts.turn })
    const slots = () => this.config['max.incremental.fetch.session.cache.slots']
    this.fetchSessions = new FetchSessions({ clock, random, slots })
    const log = new GroupLog(
      () => this,
      () => this.#elections.settled(),
    )
    this.groups = new GroupCoordinator({ clock, random, logger, config, log })
    this.#elections = new Elections({ nodeId, cluster: this.cluster, groups: this.groups, logger })
    this.#services = this.#newServices(options)
    this.#listeners = new Listeners(this.#services)
    this.cluster.listen({ applied: () => this.#refreshConfig() })
  }

  static async open(options: BrokerOptions): Promise<RunningBroker> {
    const { host, config, onFatal } = options
    const { clock, logger } = host
    const nodeId = options.nodeId ?? config['node.id']
    const onDiskFailure = (cause: Error) => {
      logger.error({ cause }, 'the log directory failed: the broker cannot go on')
      onFatal?.(cause)
    }
    const logs = await LogManager.open({ ...host, config, nodeId })
    const cluster = await Cluster.open({
      host,
      config: () => config,
      nodeId,
      clusterId: logs.clusterId,
    })
    const turn = new Turn(clock)
    const timers = new TimerQueue(clock)
    const partitions = await Partitions.open({
      nodeId,
      cluster,
      logs,
      config: () => dynamicConfig(config, cluster.image, nodeId),
      clock,
      turn,
      logger,
      onDiskFailure,
    })
    return new RunningBroker(options, nodeId, { logs, cluster, partitions, timers, turn })
  }

  get clusterId(): string {
    return this.cluster.image.clusterId
  }

  get config(): BrokerConfig {
    return this.#config
  }

  get dataFolder(): string {
    return this.#parts.logs.dataFolder
  }

  get listeners(): readonly BoundListener[] {
    return this.#bound
  }

  /** Binds the listeners, makes the broker known and begins to answer. */
  async serve(options: BrokerOptions): Promise<void> {
    for (const spec of options.listeners) this.#bound.push(await this.#listeners.bind(spec))
    await register(this.cluster, {
      nodeId: this.nodeId,
      directoryId: this.#parts.logs.directoryId,
      rack: this.config['broker.rack'],
      endpoints: this.#bound.map(({ spec, advertised }) => ({
        listener: spec.name,
        ...advertised,
      })),
    })
    this.#listeners.open()
    const { clusterId, nodeId } = this
    const topics = this.cluster.image.topicCount
    this.host.logger.info({ clusterId, nodeId, topics }, 'broker started')
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { logs, timers } = this.#parts
    await this.#listeners.close(drainTimeoutMs)
    this.groups.close()
    await this.cluster.controller.close()
    await this.partitions.close()
    await logs.close()
    timers.close()
    this.host.logger.info({ nodeId: this.nodeId }, 'broker stopped')
  }

  #newServices({ host, config, metrics, faults }: BrokerOptions): Services {
    const { turn, timers } = this.#parts
    const bytesMax = config['queued.max.request.bytes']
    const requests = new RequestMetrics(() => host.clock.monotonic())
    const traffic = new Traffic()
    requests.publish(metrics, traffic)
    return {
      broker: this,
      host,
      config,
      handlers: handlerTable(handlers),
      turn,
      timers,
      budget: new MemoryBudget(bytesMax > 0 ? bytesMax : memoryBudgetDefault),
      requests,
      traffic,
      faults,
    }
  }

  #refreshConfig(): void {
    const config = dynamicConfig(this.startConfig, this.cluster.image, this.nodeId)
    if (config === this.#config) return
    this.#config = config
    this.partitions.refreshConfigs()
  }
}
