// ConfigEntry: one `name = value` with where it was written, and the error that may come of it.

export interface ConfigEntry {
  readonly name: string
  readonly value: string
  /** Where it was written: `server.properties:12`, `--override`, `SLUICE_NUM_PARTITIONS`. */
  readonly origin?: string
}

export interface ConfigError {
  readonly name: string
  readonly message: string
  readonly origin?: string
}

export interface ConfigNotice {
  readonly kind: 'retired' | 'no-effect'
  readonly name: string
  readonly message: string
  readonly origin?: string
}

/** What callers may pass as configs: plain name-value pairs, or entries that know their origin. */
export type ConfigInput = Readonly<Record<string, string>> | readonly ConfigEntry[]

export function configEntries(input: ConfigInput): readonly ConfigEntry[] {
  if (Array.isArray(input)) return input as readonly ConfigEntry[]
  return Object.entries(input).map(([name, value]) => ({ name, value }))
}

/** One line: `server.properties:12: unknown config num.partition; did you mean num.partitions?` */
export function configErrorText(error: ConfigError | ConfigNotice): string {
  return error.origin === undefined ? error.message : `${error.origin}: ${error.message}`
}
