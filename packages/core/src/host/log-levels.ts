// LogLevels: which parts of a broker say how much, altered while it runs (the BROKER_LOGGER resource). Parts
// have the names that Kafka's loggers have, so that its tools find them; a part without a level of its own
// has that of `root`. Nothing of it is kept over a restart, as in Kafka.

import type { Logger } from './logger.ts'

export const logLevels = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const
export type LogLevel = (typeof logLevels)[number]

export const rootLogger = 'root'

/** The parts that log. */
export const loggerNames = {
  /** A line a request at DEBUG. */
  request: 'kafka.request.logger',
  requests: 'kafka.server.KafkaApis',
  connections: 'kafka.network.SocketServer',
  broker: 'kafka.server.BrokerServer',
  partitions: 'kafka.server.ReplicaManager',
  logs: 'org.apache.kafka.storage.internals.log.UnifiedLog',
  controller: 'org.apache.kafka.controller.QuorumController',
  groups: 'org.apache.kafka.coordinator.group.GroupCoordinatorService',
  http: 'sluice.http',
} as const

export type LoggerName = (typeof loggerNames)[keyof typeof loggerNames]

export class LogLevels {
  readonly #sink: Logger
  readonly #own = new Map<string, LogLevel>()
  readonly #loggers = new Map<LoggerName, LevelLogger>()
  #root: LogLevel

  /** `sink` must not drop what a level lets through later. */
  constructor(sink: Logger, root: LogLevel) {
    this.#sink = sink
    this.#root = root
    for (const name of Object.values(loggerNames)) {
      this.#loggers.set(name, new LevelLogger(sink, root))
    }
  }

  /** One object for a name, whatever its level becomes. */
  of(name: LoggerName): LevelLogger {
    return this.#loggers.get(name) ?? new LevelLogger(this.#sink, this.#root)
  }

  has(name: string): boolean {
    return name === rootLogger || this.#loggers.has(name as LoggerName)
  }

  /** All names with the level in force. */
  *levels(): IterableIterator<[string, LogLevel]> {
    yield [rootLogger, this.#root]
    for (const name of this.#loggers.keys()) yield [name, this.#own.get(name) ?? this.#root]
  }

  set(name: string, level: LogLevel): void {
    if (name === rootLogger) this.#root = level
    else this.#own.set(name, level)
    this.#apply()
  }

  /** Back to the level of `root`. */
  unset(name: string): void {
    this.#own.delete(name)
    this.#apply()
  }

  #apply(): void {
    for (const [name, logger] of this.#loggers) logger.level = this.#own.get(name) ?? this.#root
  }
}

export class LevelLogger implements Logger {
  readonly #sink: Logger
  #rank: number

  constructor(sink: Logger, level: LogLevel) {
    this.#sink = sink
    this.#rank = logLevels.indexOf(level)
  }

  set level(level: LogLevel) {
    this.#rank = logLevels.indexOf(level)
  }

  /** Whether debug lines are wanted: ask before one is put together on a hot path. */
  get debugs(): boolean {
    return this.#rank >= debugRank
  }

  debug(fields: object, message: string): void {
    if (this.#rank >= debugRank) this.#sink.debug(fields, message)
  }

  info(fields: object, message: string): void {
    if (this.#rank >= infoRank) this.#sink.info(fields, message)
  }

  warn(fields: object, message: string): void {
    if (this.#rank >= warnRank) this.#sink.warn(fields, message)
  }

  error(fields: object, message: string): void {
    if (this.#rank >= errorRank) this.#sink.error(fields, message)
  }
}

const errorRank = logLevels.indexOf('ERROR')
const warnRank = logLevels.indexOf('WARN')
const infoRank = logLevels.indexOf('INFO')
const debugRank = logLevels.indexOf('DEBUG')
