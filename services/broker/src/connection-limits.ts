// ConnectionLimits: how many connections there may be and how fast they may come, as in Kafka (KIP-308,
// KIP-612). Both protocols of a port are counted here.
//
//   over                                        what happens to a connection that comes
//   max.connections.per.ip (and overrides)      closed at once
//   connection_creation_rate of its address     closed after as long as its client should have waited
//   max.connections, of a listener or of all    waits until another one ends
//   max.connection.creation.rate, likewise      waits until the rate is down
//
// Limits are read anew each time: they may be altered while the broker runs.

import type { MetadataImage } from '@sluice/core/cluster/image'
import { type BrokerConfig, listenerConfig } from '@sluice/core/config/broker-config'
import { intMax } from '@sluice/core/config/definition'
import type { Clock } from '@sluice/core/host/clock'
import { Meters } from '@sluice/core/security/quotas/meters'
import { type RateWindow, SampledRate } from '@sluice/core/security/quotas/sampled-rate'

export interface ConnectionLimitsOptions {
  readonly clock: Clock
  readonly config: () => BrokerConfig
  readonly image: MetadataImage
}

export interface ConnectionRefusal {
  readonly reason: string
  /** The connection is closed so much later. */
  readonly afterMs: number
}

const secondMs = 1000
const allListeners = ''

export class ConnectionLimits {
  readonly #options: ConnectionLimitsOptions
  readonly #window: RateWindow
  readonly #byListener = new Map<string, number>()
  readonly #byAddress = new Map<string, number>()
  /** Of listeners, and of all together under the empty name. */
  readonly #rates = new Map<string, SampledRate>()
  readonly #addressRates: Meters<SampledRate>
  #total = 0
  #refused = 0

  constructor(options: ConnectionLimitsOptions) {
    const config = options.config()
    const windowMs = config['quota.window.size.seconds'] * secondMs
    this.#options = options
    this.#window = { samples: config['quota.window.num'], windowMs }
    this.#addressRates = new Meters(this.#window.samples * windowMs)
  }

  /** Connections that were let in and are open. */
  get total(): number {
    return this.#total
  }

  /** A connection idle for longer is closed; negative: none is. */
  get idleMs(): number {
    return this.#options.config()['connections.max.idle.ms']
  }

  get byListener(): ReadonlyMap<string, number> {
    return this.#byListener
  }

  /** Connections that were refused for one of the limits. */
  get refused(): number {
    return this.#refused
  }

  /** Counts a connection that came; @returns milliseconds that it has to wait for the rate's sake. */
  arrived(listener: string): number {
    const config = this.#options.config()
    const ofListener = listenerConfig(config, listener, 'max.connection.creation.rate')
    const ofAll = config['max.connection.creation.rate']
    return Math.max(this.#excessMs(listener, ofListener), this.#excessMs(allListeners, ofAll))
  }

  /** Whether one more may be let in. */
  hasRoom(listener: string): boolean {
    const config = this.#options.config()
    if (this.#total >= config['max.connections']) return false
    const open = this.#byListener.get(listener) ?? 0
    return open < listenerConfig(config, listener, 'max.connections')
  }

  /** Why a connection from `host` is not let in; undefined: it is, and is to be `opened`. */
  refusal(host: string): ConnectionRefusal | undefined {
    const address = addressOf(host)
    const refusal = this.#rateRefusal(address) ?? this.#countRefusal(address)
    if (refusal) this.#refused += 1
    return refusal
  }

  opened(listener: string, host: string): void {
    this.#total += 1
    count(this.#byListener, listener, 1)
    count(this.#byAddress, addressOf(host), 1)
  }

  closed(listener: string, host: string): void {
    this.#total -= 1
    count(this.#byListener, listener, -1)
    count(this.#byAddress, addressOf(host), -1)
  }

  #countRefusal(address: string): ConnectionRefusal | undefined {
    const config = this.#options.config()
    const max =
      overrideOf(config['max.connections.per.ip.overrides'], address) ??
      config['max.connections.per.ip']
    if ((this.#byAddress.get(address) ?? 0) < max) return undefined
    return { reason: `more than ${max} connections from ${address}`, afterMs: 0 }
  }

  #rateRefusal(address: string): ConnectionRefusal | undefined {
    const { image, clock } = this.#options
    const own = image.quotaValues({ ip: address })['connection_creation_rate']
    const limit = own ?? image.quotaValues({ ip: null })['connection_creation_rate']
    if (limit === undefined) return undefined
    const now = clock.monotonic()
    const rate = this.#addressRates.of(address, now, () => new SampledRate(this.#window))
    rate.record(1, now)
    const afterMs = Math.min(rate.excessMs(limit, now), this.#window.windowMs)
    if (afterMs === 0) return undefined
    // It did not get in, so it does not count.
    rate.record(-1, now)
    return { reason: `more than ${limit} connections a second from ${address}`, afterMs }
  }

  #excessMs(name: string, limit: number): number {
    if (limit === intMax) return 0
    const now = this.#options.clock.monotonic()
    const rate = this.#rates.get(name) ?? new SampledRate(this.#window)
    this.#rates.set(name, rate)
    rate.record(1, now)
    // Nothing at all may come: looked at again after a while, as the limit may be altered.
    if (limit === 0) return this.#window.windowMs
    return Math.min(rate.excessMs(limit, now), this.#window.windowMs)
  }
}

function count(counts: Map<string, number>, name: string, by: number): void {
  const left = (counts.get(name) ?? 0) + by
  if (left === 0) counts.delete(name)
  else counts.set(name, left)
}

/** A listener for both families sees IPv4 addresses inside of IPv6 ones. */
function addressOf(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host
}

const loopbackAddresses: readonly string[] = ['127.0.0.1', '::1']

/** `localhost:100,192.168.0.7:200`; an IPv6 address has colons of its own. */
function overrideOf(overrides: string, address: string): number | undefined {
  if (overrides === '') return undefined
  for (const entry of overrides.split(',')) {
    const colon = entry.lastIndexOf(':')
    const host = entry.slice(0, colon).trim()
    const isMeant =
      host === address || (host === 'localhost' && loopbackAddresses.includes(address))
    if (isMeant) return Number(entry.slice(colon + 1))
  }
  return undefined
}
