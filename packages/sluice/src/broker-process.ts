// BrokerProcess: this process as a broker: takes the data folder, starts everything, ends in good order
// on SIGTERM and SIGINT with status 0. A second signal ends at once; so does a log directory that
// failed, with status 1.

import type { LogLevel } from '@sluice/core/host/log-levels'
import { NetworkError } from '@sluice/core/host/network'
import type { BrokerSettings } from './broker-settings.ts'
import type { Composition } from './compose.ts'
import { Failure } from './failure.ts'
import { planListeners } from './listeners.ts'

export interface BrokerProcessOptions {
  readonly settings: BrokerSettings
  readonly storage: 'disk' | 'memory'
  readonly insecure: boolean
  readonly logLevel: LogLevel
}

const parentCheckMs = 250

/** Resolves when the broker is ready. Throws a Failure when it cannot start. */
export async function startBrokerProcess(options: BrokerProcessOptions): Promise<Composition> {
  const { settings, storage, insecure, logLevel } = options
  const plan = planListeners(settings.config, { insecure })
  if (!plan.ok) throw new Failure(plan.message, { hint: plan.hint })
  for (const line of [...startNotices(settings), ...plan.notices]) {
    process.stderr.write(`sluice: ${line}\n`)
  }
  const [{ compose }, { NodeClock }, { nodeLogger }] = await Promise.all([
    import('./compose.ts'),
    import('@sluice/core/host/node/clock'),
    import('@sluice/core/host/node/logger'),
  ])
  const release = storage === 'disk' ? await takeFolders(settings) : () => {}
  let ending = false
  const start = compose({
    config: settings.config,
    listeners: plan.listeners,
    storage:
      storage === 'memory' ? { kind: 'memory' } : { kind: 'disk', folder: settings.dataFolder },
    clock: new NodeClock(),
    // Levels are kept before the logger: they can be altered while the broker runs.
    logger: nodeLogger({ level: 'trace' }),
    logLevel,
    onFatal: (reason) => {
      process.stderr.write(`sluice: the broker cannot go on: ${reason.message}\n`)
      process.exit(1)
    },
  })
  const end = async (signal: NodeJS.Signals) => {
    if (ending) process.exit(signal === 'SIGINT' ? 130 : 143)
    ending = true
    await start.then((composition) => composition.close()).catch(() => {})
    release()
    process.exit(0)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  endWithNpm(end)
  try {
    const composition = await start
    keepCompiledCode()
    return composition
  } catch (error) {
    release()
    throw startFailure(error)
  }
}

/**
 * npx runs a command under a shell, and a SIGTERM ends npx and the shell without reaching the command:
 * a broker that was started so, and whose parent has gone, ends as if it had got the signal.
 */
function endWithNpm(end: (signal: NodeJS.Signals) => void): void {
  if (process.env.npm_lifecycle_event === undefined || process.send) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    end('SIGTERM')
  }, parentCheckMs)
  timer.unref()
}

/** Each of them is this process's alone. A log directory that cannot be used is left to the log manager. */
async function takeFolders({ dataFolder, logFolders }: BrokerSettings): Promise<() => void> {
  const { lockDataFolder, lockLogFolder } = await import('./data-folder.ts')
  const locks = [lockDataFolder(dataFolder)]
  const release = () => {
    for (const lock of locks) lock.release()
  }
  try {
    for (const folder of logFolders) if (folder !== dataFolder) locks.push(lockLogFolder(folder))
  } catch (error) {
    release()
    throw error
  }
  return release
}

/** Retired configs get a line each; those without effect share one. */
function startNotices({ notices }: BrokerSettings): string[] {
  const where = (origin: string | undefined) => (origin === undefined ? '' : `${origin}: `)
  const lines = notices
    .filter(({ kind }) => kind === 'retired')
    .map(({ origin, message }) => `${where(origin)}${message}`)
  const idle = notices.filter(({ kind }) => kind === 'no-effect').map(({ name }) => name)
  if (idle.length > 0) lines.push(`accepted without effect: ${[...new Set(idle)].join(', ')}`)
  return lines
}

/** Errors of the parts below that say themselves what is wrong; others are bugs and show their stack. */
const plainErrors = new Set(['DataFolderError', 'DiskError', 'TableError'])

function startFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (error instanceof NetworkError) return listenFailure(error)
  if (!plainErrors.has(error.name)) return error
  return new Failure(`the broker cannot start: ${error.message}`, { cause: error })
}

function listenFailure(error: NetworkError): Failure {
  if (error.kind !== 'address-in-use') {
    return new Failure(`cannot listen: ${error.message}`, { cause: error })
  }
  const [, place = 'the port'] = /^address-in-use: (\S+)/.exec(error.message) ?? []
  return new Failure(`${place} is in use`, {
    hint: 'stop what listens there, or choose another port with --port N',
    cause: error,
  })
}

/** Writes the compile cache once the start is over: a process that is killed would not. */
function keepCompiledCode(): void {
  const delayMs = 1000
  const timer = setTimeout(async () => {
    const { flushCompileCache } = await import('node:module')
    flushCompileCache?.()
  }, delayMs)
  timer.unref()
}
