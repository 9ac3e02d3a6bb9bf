// BrokerSettings: the configs a broker process starts with, from wherever they may be written. Of
// several places that set one name the later one counts:
//
//   defaults of the command   the .properties file   SLUICE_ variables   --override

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type BrokerConfig, brokerConfig } from '@sluice/core/config/broker-config'
import {
  type ConfigEntry,
  type ConfigError,
  type ConfigNotice,
  configErrorText,
} from '@sluice/core/config/config-entry'
import { environmentConfigs } from '@sluice/core/config/environment'
import { parseProperties } from '@sluice/core/config/properties'
import { type Failure, unreadable, usageFailure } from './failure.ts'

export interface BrokerSettings {
  readonly config: BrokerConfig
  /** The folder of the metadata table and of the broker's own files, absolute. */
  readonly dataFolder: string
  /** The folders of the logs, absolute. */
  readonly logFolders: readonly string[]
  /** What was given and is retired or without effect. */
  readonly notices: readonly ConfigNotice[]
}

export interface SettingsSources {
  readonly defaults?: Readonly<Record<string, string>>
  readonly file?: string
  readonly overrides: readonly ConfigEntry[]
}

/** Throws a Failure that says everything that is wrong, a line each. */
export function brokerSettings(sources: SettingsSources): BrokerSettings {
  const { defaults = {}, file, overrides } = sources
  const environment = environmentConfigs(process.env)
  if (!environment.ok) throw invalidConfigs(environment.errors)
  const entries = [
    ...Object.entries(defaults).map(([name, value]) => ({ name, value, origin: 'default' })),
    ...(file === undefined ? [] : fileEntries(file)),
    ...environment.entries,
    ...overrides,
  ]
  const resolved = brokerConfig(entries)
  if (!resolved.ok) throw invalidConfigs(resolved.errors)
  const { notices } = resolved
  const logFolders = logFoldersOf(resolved.config)
  // Clients name folders as the broker does (AlterReplicaLogDirs).
  const config = { ...resolved.config, 'log.dirs': logFolders }
  const dataFolder = path.resolve(config['metadata.log.dir'] ?? logFolders[0])
  const ours = notices.filter(({ origin }) => origin !== 'default')
  return { config, dataFolder, logFolders, notices: ours }
}

function fileEntries(file: string): ConfigEntry[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
  const parsed = parseProperties(text, path.basename(file))
  if (!parsed.ok) throw invalidConfigs(parsed.errors)
  return parsed.entries
}

function logFoldersOf(config: BrokerConfig): string[] {
  const names = config['log.dirs'] ?? config['log.dir']
  if (names.length === 0 || names.includes('')) throw usageFailure('log.dirs names no folder')
  const folders = names.map((name) => path.resolve(name))
  const twice = folders.find((folder, i) => folders.indexOf(folder) < i)
  if (twice) throw usageFailure(`log.dirs names a folder twice: ${twice}`)
  return folders
}

function invalidConfigs(errors: readonly ConfigError[]): Failure {
  return usageFailure(errors.map(configErrorText).join('\nsluice: '))
}
