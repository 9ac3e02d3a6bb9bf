// The table of broker configs: Kafka 4.2's, in files by theme, and our own.

import { clusterConfigs } from './cluster.ts'
import { groupConfigs } from './groups.ts'
import { internalConfigs } from './internal.ts'
import { listenerConfigs } from './listeners.ts'
import { logConfigs } from './log.ts'
import { brokerSecurityConfigs } from './security.ts'
import { sluiceConfigs } from './sluice.ts'

export const brokerConfigs = {
  ...listenerConfigs,
  ...logConfigs,
  ...groupConfigs,
  ...clusterConfigs,
  ...brokerSecurityConfigs,
  ...sluiceConfigs,
  ...internalConfigs,
} as const
