// Listeners as they are asked for and as they are bound.

import type { Address, Network } from '@sluice/core/host/network'

export interface ListenerSpec {
  /** As in `listeners`, e.g. PLAINTEXT. Metadata answers with the address of the listener it came in by. */
  readonly name: string
  readonly network: Network
  /** Port 0 picks a free one. */
  readonly bind: Address
  /** What clients are told to connect to; 'bound' is the address that was bound, port 0 its port. */
  readonly advertised: Address | 'bound'
  /** Reached from within the process alone: limits on connections are not for it. */
  readonly internal?: boolean
}

export interface BoundListener {
  readonly spec: ListenerSpec
  readonly bound: Address
  readonly advertised: Address
}
