// Log dirs: the folders that log.dirs names, taken together at a start: whose they are, which of them can be used,
// and that each log is in one of them.

import { join, normalize } from 'node:path/posix'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Clock } from '../host/clock.ts'
import type { Disk, DiskError } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import type { Random } from '../host/random.ts'
import { assert } from '../lib/assert.ts'
import { LogDir } from './log-dir.ts'
import { checkOwner, DataFolderError } from './meta-properties.ts'

export interface LogDirsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly nodeId: number
  readonly onFailure: (dir: LogDir, cause: DiskError) => void
}

/** Claims the folders. Throws DataFolderError where one is not ours, DiskError where none can be used. */
export async function openLogDirs(
  options: LogDirsOptions,
): Promise<{ dirs: readonly LogDir[]; clusterId: string }> {
  const { config, random, clock, nodeId } = options
  const paths = (config['log.dirs'] ?? config['log.dir']).map(withoutSlash)
  if (new Set(paths).size < paths.length) {
    throw new DataFolderError(`log.dirs names a folder twice: ${paths.join(', ')}`)
  }
  const dirs = paths.map((path) => new LogDir({ ...options, path }))
  await Promise.all(dirs.map((dir) => dir.find()))
  checkAnyOnline(dirs)
  const found = dirs.flatMap(({ path, meta }) => (meta ? [{ folder: path, meta }] : []))
  const clusterId = checkOwner(nodeId, found) ?? random.uuid()
  for (const dir of dirs) {
    await dir.claim({ clusterId, nodeId, directoryId: random.uuid() }, clock.now())
  }
  await Promise.all(dirs.map((dir) => dir.open()))
  checkAnyOnline(dirs)
  await takeLoneCopies(dirs)
  await makeUnique(dirs)
  if (dirs.every(isOnline)) for (const dir of dirs) dir.removeDeleted()
  return { dirs, clusterId }
}

/** Two spellings of one folder are one folder. */
export function withoutSlash(path: string): string {
  return normalize(path).replace(/(?<=.)\/$/, '')
}

export function isOnline({ failure }: LogDir): boolean {
  return failure === undefined
}

function checkAnyOnline(dirs: readonly LogDir[]): void {
  const [first] = dirs
  assert(first !== undefined, 'log.dirs names a folder')
  if (!dirs.some(isOnline)) throw first.failure
}

/**
 * A copy without its log was whole when the log's folder gave way to it, and the process ended. While a folder
 * is offline the log may be there.
 */
async function takeLoneCopies(dirs: readonly LogDir[]): Promise<void> {
  if (!dirs.every(isOnline)) return
  for (const dir of dirs) {
    for (const folderName of dir.futureFolders.keys()) {
      const hasLog = dirs.some(({ folders }) => folders.has(folderName))
      if (!hasLog) await dir.whileOnline(() => dir.takeCopy(folderName))
    }
  }
}

/**
 * A log in two folders is two histories, and only its owner can tell which one counts: Kafka does not start
 * either. But a folder that is full, or fails, while a log is made in it keeps one that never held anything,
 * and the log was made elsewhere.
 */
async function makeUnique(dirs: readonly LogDir[]): Promise<void> {
  const seen = new Map<string, LogDir>()
  for (const dir of dirs.filter(isOnline)) {
    for (const folderName of [...dir.folders]) {
      const other = seen.get(folderName)
      seen.set(folderName, other === undefined ? dir : await oneOf(other, dir, folderName))
    }
  }
}

/** The one of the two in which the log stays. */
async function oneOf(first: LogDir, second: LogDir, folderName: string): Promise<LogDir> {
  for (const [hollow, other] of [
    [second, first],
    [first, second],
  ]) {
    if (!(await hollow.neverHeld(folderName))) continue
    await hollow.whileOnline(() => hollow.discardHollow(folderName))
    return other
  }
  throw new DataFolderError(
    `Duplicate log directories for ${folderName} are found in both ` +
      `${join(first.path, folderName)} and ${join(second.path, folderName)}: ` +
      'delete the one whose disk is known to have failed lately',
  )
}
