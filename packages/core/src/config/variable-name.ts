// The environment variable of a config: log.retention.hours is SLUICE_LOG_RETENTION_HOURS, and a config of
// our own keeps its one prefix: sluice.validate is SLUICE_VALIDATE.

export const variablePrefix = 'SLUICE_'

export function variableName(config: string): string {
  const bare = config.startsWith('sluice.') ? config.slice('sluice.'.length) : config
  return variablePrefix + bare.replaceAll(/[.-]/g, '_').toUpperCase()
}
