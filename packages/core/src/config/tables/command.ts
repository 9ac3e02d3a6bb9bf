// Command configs: defaults of the command line, taken from the environment (SLUICE_BOOTSTRAP).
// A broker that finds them ignores them.

import { list } from '../definition.ts'

export const commandConfigs = {
  'sluice.bootstrap': list(['127.0.0.1:9092'], 'Where the commands find a broker: host:port.'),
} as const
