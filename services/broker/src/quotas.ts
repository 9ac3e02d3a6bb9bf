// Quotas: what clients may use, asked on the way of their requests. Limits come from the cluster's metadata;
// the arithmetic is core/security/quotas. Whoever is above a limit hears in the answer how long to wait, and
// its connection is not read meanwhile (KIP-219: the answer goes out first). Without limits all of it is
// one comparison a request.

import { type Mutations, unlimited } from '@sluice/core/cluster/create-topics'
import type { MetadataImage } from '@sluice/core/cluster/image'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import type { Clock } from '@sluice/core/host/clock'
import { LatencyHistogram } from '@sluice/core/metrics/metrics'
import { MutationQuota } from '@sluice/core/security/quotas/mutation-quota'
import { type QuotaClient, RateQuota } from '@sluice/core/security/quotas/rate-quota'

/** As Kafka's metrics name them. */
export type QuotaType = 'Produce' | 'Fetch' | 'Request' | 'ControllerMutation'

/** A request that counts. */
export interface Charged {
  readonly principal: string
  readonly clientId: string | null
  readonly apiVersion: number
  readonly requestBytes: number
  readonly throttledMs: number
  /** The answer tells the client to wait so long, and its connection is not read before. */
  throttle(waitMs: number): void
  /** Counts the time that the request took against its client's quota, once. */
  chargeTime(): void
}

export interface QuotasOptions {
  readonly clock: Clock
  readonly config: BrokerConfig
  readonly image: MetadataImage
}

const secondMs = 1000
/** What the throttle time of an answer can say. */
const waitMsMax = 2 ** 31 - 1

export class Quotas {
  readonly produce: RateQuota
  readonly fetch: RateQuota
  /** Percent of the event loop's time. */
  readonly request: RateQuota
  readonly mutations: MutationQuota
  /** How long clients were told to wait. */
  readonly waits: Readonly<Record<QuotaType, LatencyHistogram>> = {
    Produce: new LatencyHistogram(),
    Fetch: new LatencyHistogram(),
    Request: new LatencyHistogram(),
    ControllerMutation: new LatencyHistogram(),
  }
  readonly #clock: Clock
  readonly #image: MetadataImage

  constructor({ clock, config, image }: QuotasOptions) {
    this.#clock = clock
    this.#image = image
    const windowMs = config['quota.window.size.seconds'] * secondMs
    const window = { samples: config['quota.window.num'], windowMs }
    this.produce = new RateQuota({ key: 'producer_byte_rate', window })
    this.fetch = new RateQuota({ key: 'consumer_byte_rate', window })
    // As in Kafka: a request that was long at work does not shut its client out for longer.
    this.request = new RateQuota({ key: 'request_percentage', window, waitMsMax: windowMs })
    this.mutations = new MutationQuota({
      samples: config['controller.quota.window.num'],
      windowMs: config['controller.quota.window.size.seconds'] * secondMs,
    })
    this.refresh()
  }

  /** The limits changed. */
  refresh(): void {
    const settings = [...this.#image.quotas()]
    for (const quota of [this.produce, this.fetch, this.request, this.mutations]) {
      quota.refresh(settings)
    }
  }

  chargeProduce(context: Charged): void {
    if (!this.produce.enabled) return
    const now = this.#clock.monotonic()
    this.#wait(
      context,
      'Produce',
      this.produce.charge(clientOf(context), context.requestBytes, now),
    )
  }

  /** @returns false: the client has to wait, and gets no records now. */
  chargeFetch(context: Charged, bytes: number): boolean {
    context.chargeTime()
    if (!this.fetch.enabled) return context.throttledMs === 0
    const now = this.#clock.monotonic()
    const client = clientOf(context)
    this.#wait(context, 'Fetch', this.fetch.charge(client, bytes, now))
    if (context.throttledMs === 0) return true
    this.fetch.credit(client, bytes, now)
    return false
  }

  /** Bytes that a fetch may ask for without being throttled for sure. */
  fetchBytesMax(context: Charged): number {
    return this.fetch.enabled ? this.fetch.mostAtOnce(clientOf(context)) : Number.POSITIVE_INFINITY
  }

  /** Counts the time that the event loop spent on a request. */
  chargeTime(context: Charged, busyMs: number): void {
    const percent = (busyMs / secondMs) * 100
    const now = this.#clock.monotonic()
    this.#wait(context, 'Request', this.request.charge(clientOf(context), percent, now))
  }

  /** Clients of older versions cannot read a refusal: they are served, and wait. */
  mutationsOf(context: Charged, options: { strictSince: number }): Mutations {
    if (!this.mutations.enabled) return unlimited
    const client = clientOf(context)
    const strict = context.apiVersion >= options.strictSince
    return {
      take: (partitions) => {
        const nowMs = this.#clock.monotonic()
        const { granted, waitMs } = this.mutations.take(client, partitions, { strict, nowMs })
        this.#wait(context, 'ControllerMutation', waitMs)
        return granted
      },
    }
  }

  #wait(context: Charged, type: QuotaType, wantedMs: number): void {
    if (wantedMs <= 0) return
    const waitMs = Math.min(wantedMs, waitMsMax)
    this.waits[type].add(waitMs)
    context.throttle(waitMs)
  }
}

/** `User:alice` is the user alice. */
function clientOf({ principal, clientId }: Charged): QuotaClient {
  return { user: principal.slice(principal.indexOf(':') + 1), clientId: clientId ?? '' }
}
