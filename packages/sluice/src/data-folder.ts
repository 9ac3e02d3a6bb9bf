// DataFolder: one process at a time works in a data folder. The lock is an exclusive transaction on an
// empty SQLite database: a file lock of the operating system, which goes with the process however that
// ends, so that a `kill -9` leaves nothing behind to clean up.
//
//   <folder>/.lock          locked while a broker runs
//   <folder>/sluice.pid     who that is, for `sluice stop` and for the message of the next one

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Failure } from './failure.ts'

const lockName = '.lock'
const pidName = 'sluice.pid'

/** A database that nobody refers to is closed by the garbage collector, and its lock is gone. */
const held = new Set<DatabaseSync>()

export interface FolderLock {
  /** Lets the folder go; idempotent. */
  release(): void
}

/** Takes the folder, made if need be. Throws a Failure when another process works in it. */
export function lockDataFolder(folder: string): FolderLock {
  const lock = lockFolder(folder)
  const pidFile = path.join(folder, pidName)
  writeFileSync(pidFile, `${process.pid}\n`)
  return {
    release() {
      if (lock.released) return
      rmSync(pidFile, { force: true })
      lock.release()
    },
  }
}

/**
 * Takes one more folder of logs. Where its disk fails there is nothing to lock: the broker goes on without
 * it, as with one that fails later. Throws a Failure when another process works in it.
 */
export function lockLogFolder(folder: string): FolderLock {
  try {
    return lockFolder(folder)
  } catch (error) {
    if (error instanceof Failure && error.cause === undefined) throw error
    return { release() {} }
  }
}

function lockFolder(folder: string): FolderLock & { readonly released: boolean } {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new Failure(`cannot make the data folder ${folder}: ${reason(error)}`, { cause: error })
  }
  const database = openLocked(folder)
  if (!database) {
    const pid = readPid(folder)
    const who = pid === undefined ? 'another process' : `process ${pid}`
    throw new Failure(`the data folder ${folder} is in use by ${who}`, {
      hint: 'stop that one, or choose another folder with --data DIR',
    })
  }
  held.add(database)
  let released = false
  return {
    get released() {
      return released
    },
    release() {
      if (released) return
      released = true
      database.close()
      held.delete(database)
    },
  }
}

/** The process that works in the folder now; undefined when none does. */
export function dataFolderOwner(folder: string): number | undefined {
  const pid = readPid(folder)
  if (pid === undefined) return undefined
  const database = openLocked(folder)
  database?.close()
  return database ? undefined : pid
}

function openLocked(folder: string): DatabaseSync | undefined {
  const file = path.join(folder, lockName)
  let database: DatabaseSync
  try {
    database = new DatabaseSync(file, { timeout: 0 })
  } catch (error) {
    throw new Failure(`cannot write in the data folder ${folder}: ${reason(error)}`, {
      cause: error,
    })
  }
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    if (/locked|busy/.test(reason(error))) return undefined
    throw new Failure(`cannot lock the data folder ${folder}: ${reason(error)}`, { cause: error })
  }
}

function readPid(folder: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path.join(folder, pidName), 'utf8'), 10)
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
