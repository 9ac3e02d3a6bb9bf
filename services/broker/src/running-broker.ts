// RunningBroker: puts a broker together, serves with it and ends it. Everything of the world comes in through
// `host`; several brokers can live in one process.
//
//   logs recovered -> metadata read -> partitions -> groups -> listeners bound -> registered -> served
//
// and back again when it closes: nothing new is accepted, what is in flight is answered, the logs are
// flushed and closed, the clean shutdown is marked.

import { Cluster } from '@sluice/core/cluster/cluster'
import type { Change } from '@sluice/core/cluster/image'
import { ProducerIds } from '@sluice/core/cluster/producer-ids'
import { register } from '@sluice/core/cluster/registration'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import { GroupCoordinator } from '@sluice/core/group/coordinator'
import type { Host } from '@sluice/core/host/host'
import { LogLevels, loggerNames } from '@sluice/core/host/log-levels'
import type { LogDir } from '@sluice/core/log/log-dir'
import { LogManager } from '@sluice/core/log/log-manager'
import { LoopDelay } from '@sluice/core/metrics/loop-delay'
import type { Metrics } from '@sluice/core/metrics/metrics'
import { DirMoves } from '@sluice/core/partition/dir-moves'
import { LogCleaner } from '@sluice/core/partition/log-cleaner'
import { Partitions } from '@sluice/core/partition/partitions'
import { Purgatory } from '@sluice/core/partition/purgatory'
import { RetentionSweep } from '@sluice/core/partition/retention-sweep'
import { Turn } from '@sluice/core/partition/turn'
import type { Broker } from './broker.ts'
import { publishBroker } from './broker-metrics.ts'
import { ConnectionLimits } from './connection-limits.ts'
import { handlerTable, type Services } from './dispatch.ts'
import { dynamicConfig } from './dynamic-config.ts'
import { Elections } from './elections.ts'
import type { FaultPlan } from './faults.ts'
import { FetchSessions } from './fetch-session.ts'
import { FramePool } from './frame-pool.ts'
import { GroupLog } from './group-log.ts'
import { handlers } from './handlers/index.ts'
import { Listeners } from './listener.ts'
import type { BoundListener, ListenerSpec } from './listener-spec.ts'
import { MemoryBudget, memoryBudgetDefault } from './memory-budget.ts'
import { PartialFrames } from './partial-frames.ts'
import { Quotas } from './quotas.ts'
import { RequestMetrics, Traffic } from './request-metrics.ts'

export interface BrokerOptions {
  readonly host: Host
  readonly config: BrokerConfig
  /** Who logs how much; default: everything that the host's logger lets through, at INFO. */
  readonly logs?: LogLevels
  /** Default: node.id of the config. */
  readonly nodeId?: number
  readonly listeners: readonly ListenerSpec[]
  readonly metrics: Metrics
  readonly faults?: FaultPlan
  /** Called once when the broker cannot go on (all its log directories failed). The process should end. */
  readonly onFatal?: (reason: Error) => void
}

/** How long a stopping broker waits for the answers to requests in flight. */
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
  readonly levels: LogLevels
  readonly logs: LogManager
  readonly cluster: Cluster
  readonly partitions: Partitions
  readonly dirMoves: DirMoves
  readonly turn: Turn
  /** What was in force when the broker was put together; it keeps this up to date. */
  readonly inForce: { config: BrokerConfig }
}

class RunningBroker implements Broker {
  readonly host: Host
  readonly logs: LogLevels
  readonly nodeId: number
  readonly startConfig: BrokerConfig
  readonly logManager: LogManager
  readonly dirMoves: DirMoves
  readonly cluster: Cluster
  readonly partitions: Partitions
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly fetchSessions: FetchSessions
  readonly purgatory: Purgatory
  readonly quotas: Quotas
  readonly connectionLimits: ConnectionLimits
  readonly logCleaner: LogCleaner
  readonly #parts: Parts
  readonly #elections: Elections
  readonly #services: Services
  readonly #listeners: Listeners
  readonly #retention: RetentionSweep
  readonly #loopDelay: LoopDelay
  #bound: BoundListener[] = []
  #closing: Promise<void> | undefined

  private constructor(options: BrokerOptions, nodeId: number, parts: Parts) {
    const { host, config } = options
    const { clock, random } = host
    this.host = host
    this.logs = parts.levels
    const { levels } = parts
    this.nodeId = nodeId
    this.startConfig = config
    this.#parts = parts
    this.logManager = parts.logs
    this.dirMoves = parts.dirMoves
    this.cluster = parts.cluster
    this.partitions = parts.partitions
    parts.inForce.config = dynamicConfig(config, this.cluster.image, nodeId)
    this.producerIds = new ProducerIds(() => this.cluster.controller.allocateProducerIds())
    this.purgatory = new Purgatory({ clock, turn: parts.turn })
    const slots = () => this.config['max.incremental.fetch.session.cache.slots']
    this.fetchSessions = new FetchSessions({ clock, random, slots })
    const log = new GroupLog(
      () => this,
      () => this.#elections.settled(),
    )
    const logger = levels.of(loggerNames.groups)
    this.groups = new GroupCoordinator({ clock, random, logger, config, log })
    this.#elections = new Elections({ nodeId, cluster: this.cluster, groups: this.groups, logger })
    const { image } = this.cluster
    this.quotas = new Quotas({ clock, config, image })
    this.connectionLimits = new ConnectionLimits({ clock, config: () => this.config, image })
    this.#services = this.#newServices(options)
    this.#listeners = new Listeners(this.#services)
    this.cluster.listen({ applied: (changes) => this.#applied(changes) })
    const maintained = {
      clock,
      logger: levels.of(loggerNames.logs),
      config: () => this.config,
      partitions: this.partitions,
    }
    this.logCleaner = new LogCleaner(maintained)
    publishBroker(this, options.metrics)
    this.#loopDelay = new LoopDelay(clock, options.metrics)
    this.#retention = new RetentionSweep(maintained)
  }

  static async open(options: BrokerOptions): Promise<RunningBroker> {
    const { config, onFatal } = options
    const levels = options.logs ?? new LogLevels(options.host.logger, 'INFO')
    const logger = levels.of(loggerNames.broker)
    const host: Host = { ...options.host, logger }
    const { clock } = host
    const nodeId = options.nodeId ?? config['node.id']
    let partitions: Partitions | undefined
    let running: RunningBroker | undefined
    const onDirFailure = (dir: LogDir, cause: Error) => {
      partitions?.dirFailed(dir)
      running?.resignOffline()
      if (logs?.online !== false) return
      logger.error({ cause }, 'all log directories failed: the broker cannot go on')
      onFatal?.(cause)
    }
    let logs: LogManager | undefined
    const inForce = { config }
    logs = await LogManager.open({
      ...host,
      logger: levels.of(loggerNames.logs),
      config,
      inForce: () => inForce.config,
      nodeId,
      onDirFailure,
    })
    const cluster = await Cluster.open({
      host: { ...host, logger: levels.of(loggerNames.controller) },
      config: () => config,
      nodeId,
      clusterId: logs.clusterId,
    })
    // What was acknowledged last may be lost, if not the process but the machine went down.
    if (logs.cleanShutdownEpoch === undefined) await cluster.controller.beginEpochs(nodeId)
    const turn = new Turn(clock)
    inForce.config = dynamicConfig(config, cluster.image, nodeId)
    const current = () => inForce.config
    partitions = await Partitions.open({
      nodeId,
      cluster,
      logs,
      config: current,
      clock,
      turn,
      logger: levels.of(loggerNames.partitions),
    })
    for (const dir of logs.dirs) if (dir.failure) partitions.dirFailed(dir)
    const dirMoves = new DirMoves({
      clock,
      logger: levels.of(loggerNames.logs),
      logs,
      config: current,
    })
    await dirMoves.resume(partitions)
    await removeStrays(nodeId, cluster, logs, host)
    const parts = { levels, logs, cluster, partitions, dirMoves, turn, inForce }
    running = new RunningBroker({ ...options, host }, nodeId, parts)
    running.resignOffline()
    return running
  }

  get clusterId(): string {
    return this.cluster.image.clusterId
  }

  get config(): BrokerConfig {
    return this.#parts.inForce.config
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

  /** Groups whose offsets lay on a disk that failed have no coordinator here any more. */
  resignOffline(): void {
    this.#elections.logsFailed((topicId, index) => this.partitions.isLost(topicId, index))
  }

  connectionEnded(): void {
    this.#listeners.roomChanged()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { logs } = this.#parts
    // Members that wait for one another would hold up the end.
    const groups = this.groups.close()
    await this.#listeners.close(drainTimeoutMs)
    await groups
    await this.cluster.controller.close()
    this.#loopDelay.close()
    await this.#retention.close()
    await this.dirMoves.close()
    await this.logCleaner.close()
    await this.partitions.close()
    await logs.close()
    this.host.logger.info({ nodeId: this.nodeId }, 'broker stopped')
  }

  #newServices({ host, config, metrics, faults }: BrokerOptions): Services {
    const { turn } = this.#parts
    const bytesMax = config['queued.max.request.bytes']
    const requests = new RequestMetrics(() => host.clock.monotonic())
    const traffic = new Traffic()
    const budget = new MemoryBudget(bytesMax > 0 ? bytesMax : memoryBudgetDefault)
    const partials = new PartialFrames(bytesMax > 0 ? bytesMax : memoryBudgetDefault)
    const connections = {
      open: () => this.#listeners.size,
      waiting: () => this.#listeners.waiting,
      accepted: () => this.#listeners.accepted,
    }
    requests.publish(metrics, { traffic, budget, partials, connections })
    return {
      broker: this,
      host,
      config,
      handlers: handlerTable(handlers),
      turn,
      budget,
      partials,
      frames: new FramePool(),
      requests,
      traffic,
      quotas: this.quotas,
      limits: this.connectionLimits,
      logs: this.logs,
      requestLog: this.logs.of(loggerNames.request),
      faults,
    }
  }

  #applied(changes: readonly Change[]): void {
    if (changes.some((one) => one.kind === 'configs' && one.scope === 'broker')) {
      this.#refreshConfig()
    }
    if (changes.some(({ kind }) => kind === 'quotas')) this.quotas.refresh()
  }

  #refreshConfig(): void {
    const { inForce } = this.#parts
    inForce.config = dynamicConfig(this.startConfig, this.cluster.image, this.nodeId)
    this.partitions.refreshConfigs()
    this.#listeners.roomChanged()
  }
}

/** Logs of topics that were deleted while this broker was away. */
async function removeStrays(
  nodeId: number,
  cluster: Cluster,
  logs: LogManager,
  { logger }: Host,
): Promise<void> {
  if (cluster.founded)
    logger.info({ clusterId: cluster.image.clusterId }, 'a new cluster was founded')
  // A table that never saw this broker beside a folder with logs was lost rather than emptied, and so it
  // stays, whether or not this start gets to its end: what is left is kept.
  if (cluster.image.broker(nodeId)) await logs.removeStrays()
  else await logs.setStraysAside()
}
