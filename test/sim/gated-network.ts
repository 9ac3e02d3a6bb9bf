// A network whose listeners are bound but let nobody in until open(): the state of a restarted broker is
// looked at before its clients can change it. They are refused meanwhile.

import type {
  Address,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
} from '@sluice/core/host/network'
import { assert } from '@sluice/core/lib/assert'

type Accept = (connection: Connection) => ConnectionHandler

export class GatedNetwork implements Network {
  readonly #network: Network
  readonly #waiting: { address: Address; accept: Accept }[] = []
  readonly #listeners: Listener[] = []

  constructor(network: Network) {
    this.#network = network
  }

  async listen(address: Address, accept: Accept): Promise<Listener> {
    assert(address.port !== 0, 'the port is known before it is bound')
    this.#waiting.push({ address, accept })
    return {
      address,
      close: async () => {
        for (const listener of this.#listeners) await listener.close()
      },
    }
  }

  connect(address: Address, open: Accept, options?: { timeoutMs?: number }): Promise<Connection> {
    return this.#network.connect(address, open, options)
  }

  async open(): Promise<void> {
    for (const { address, accept } of this.#waiting.splice(0)) {
      this.#listeners.push(await this.#network.listen(address, accept))
    }
  }
}
