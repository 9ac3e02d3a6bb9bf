// Environment: configs in variables (variable-name.ts says in which). They come in as a record; one with
// our prefix that sets nothing is an error, as it is most likely mistyped.

import type { ConfigEntry, ConfigError } from './config-entry.ts'
import { nearest } from './nearest.ts'
import { brokerConfigs } from './tables/broker.ts'
import { commandConfigs } from './tables/command.ts'
import { variableName, variablePrefix } from './variable-name.ts'

export type EnvironmentConfigs =
  | { ok: true; entries: ConfigEntry[] }
  | { ok: false; errors: ConfigError[] }

export function environmentConfigs(
  variables: Readonly<Record<string, string | undefined>>,
): EnvironmentConfigs {
  const given = Object.keys(variables).filter((variable) => variable.startsWith(variablePrefix))
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
