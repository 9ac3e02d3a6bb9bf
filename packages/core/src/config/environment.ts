// Environment: configs in variables. log.retention.hours is SLUICE_LOG_RETENTION_HOURS, and a config of
// our own keeps its one prefix: sluice.validate is SLUICE_VALIDATE. The variables come in as a record.

import type { ConfigEntry, ConfigError } from './config-entry.ts'
import { nearest } from './nearest.ts'
import { brokerConfigs } from './tables/broker.ts'
import { commandConfigs } from './tables/command.ts'

const prefix = 'SLUICE_'

export type EnvironmentConfigs =
  | { ok: true; entries: ConfigEntry[] }
  | { ok: false; errors: ConfigError[] }

/** The variable that sets a config. */
export function variableName(name: string): string {
  const bare = name.startsWith('sluice.') ? name.slice('sluice.'.length) : name
  return prefix + bare.replaceAll(/[.-]/g, '_').toUpperCase()
}

export function environmentConfigs(
  variables: Readonly<Record<string, string | undefined>>,
): EnvironmentConfigs {
  const given = Object.keys(variables).filter((variable) => variable.startsWith(prefix))
  if (given.length === 0) return { ok: true, entries: [] }
  const names = new Map<string, string>()
  for (const table of [brokerConfigs, commandConfigs]) {
    for (const name of Object.keys(table)) names.set(variableName(name), name)
  }
  const entries: ConfigEntry[] = []
  const errors: ConfigError[] = []
  for (const variable of given) {
    const name = names.get(variable)
    const value = variables[variable]
    if (name !== undefined && value !== undefined) entries.push({ name, value, origin: variable })
    else if (name === undefined) errors.push(unknownVariable(variable, names.keys()))
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, entries }
}

function unknownVariable(variable: string, known: Iterable<string>): ConfigError {
  const meant = nearest(variable, known)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  return { name: variable, message: `unknown config variable ${variable}${hint}` }
}
