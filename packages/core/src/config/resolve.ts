// Resolve: parses given configs against a table. Every error is found, not only the first one; a name
// given twice counts as given last.

import type { ConfigEntry, ConfigError } from './config-entry.ts'
import {
  type ConfigTable,
  type Definition,
  formatValue,
  parseValue,
  type Values,
} from './definition.ts'

export interface Resolved<T extends ConfigTable> {
  /** Only what was given. */
  readonly given: Partial<Values<T>>
  readonly errors: ConfigError[]
}

/** Parses entries whose names are all in `table`. */
export function resolveEntries<T extends ConfigTable>(
  table: T,
  entries: Iterable<ConfigEntry>,
): Resolved<T> {
  const given: Record<string, unknown> = {}
  const errors: ConfigError[] = []
  for (const { name, value, origin } of entries) {
    const parsed = parseValue(table[name], value)
    if (parsed.ok) given[name] = parsed.value
    else
      errors.push({
        name,
        origin,
        message: invalidValue(name, shownValue(table[name], value), parsed.message),
      })
  }
  return { given: given as Partial<Values<T>>, errors }
}

/** A double that is out of range is shown as Java reads it. */
function shownValue({ type }: Definition<unknown>, text: string): string {
  const value = Number(text)
  if (type !== 'double' || text.trim() === '' || Number.isNaN(value)) return text
  return formatValue(value, type) ?? text
}

/** Kafka's wording of a bad value; clients match on it. */
export function invalidValue(name: string, value: unknown, message: string): string {
  return `Invalid value ${value} for configuration ${name}: ${message}`
}

export function defaultValues<T extends ConfigTable>(table: T): Values<T> {
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(table)) values[name] = table[name].default
  return values as Values<T>
}

/** Whether `name` is a config of `table` (and not of Object's prototype). */
export function isKnown<T extends ConfigTable>(table: T, name: string): name is keyof T & string {
  return Object.hasOwn(table, name)
}
