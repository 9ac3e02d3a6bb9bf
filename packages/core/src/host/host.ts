// Host: everything of the world that the engine may touch. The node, local and memory folders implement
// its parts; only the composition root, the simulator and the contract tests import those.
// Same code on every Host is what makes the simulator's findings true of the product.

import type { Clock } from './clock.ts'
import type { Disk } from './disk.ts'
import type { Logger } from './logger.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'
import type { Table } from './table.ts'

export interface Host {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly network: Network
  readonly table: Table
  readonly logger: Logger
}
