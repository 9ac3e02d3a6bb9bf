// The arithmetic of quotas: Kafka's rate over samples, its token bucket, and who shares which limit.

import type { QuotaSetting } from '@sluice/core/cluster/image'
import { quotaEntityKey, readQuotaEntityKey } from '@sluice/core/cluster/quota-entity'
import { Meters } from '@sluice/core/security/quotas/meters'
import { MutationQuota } from '@sluice/core/security/quotas/mutation-quota'
import { QuotaLimits } from '@sluice/core/security/quotas/quota-limits'
import { RateQuota } from '@sluice/core/security/quotas/rate-quota'
import { SampledRate } from '@sluice/core/security/quotas/sampled-rate'
import { TokenBucket } from '@sluice/core/security/quotas/token-bucket'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const window = { samples: 11, windowMs: 1000 }

describe('a sampled rate', () => {
  test('takes what there is over ten seconds at least, and forgets it after eleven', () => {
    const rate = new SampledRate(window)
    rate.record(5000, 0)
    expect(rate.perSecond(0)).toBe(500)
    expect(rate.perSecond(500)).toBeCloseTo(5000 / 10.5)
    expect(rate.perSecond(10_900)).toBeCloseTo(5000 / 10.9)
    expect(rate.perSecond(11_000)).toBe(0)
  })

  test('says how long it takes to come down to a limit', () => {
    const rate = new SampledRate(window)
    rate.record(20_000, 0)
    // 2000/s over 10 s against 1000/s: as long again.
    expect(rate.excessMs(1000, 0)).toBe(10_000)
    expect(rate.excessMs(2000, 0)).toBe(0)
    rate.record(-20_000, 0)
    expect(rate.excessMs(1, 0)).toBe(0)
  })

  test('a client that waits as it is told stays at its limit', () => {
    // Of requests larger than a window the rate forgets a part before it is paid for: so it is in Kafka.
    const seconds = fc.double({ min: 0.001, max: 2, noNaN: true })
    const requests = fc.array(seconds, { minLength: 200, maxLength: 400 })
    const limits = fc.integer({ min: 100, max: 10_000 })
    const gaps = fc.integer({ min: 0, max: 50 })
    fc.assert(
      fc.property(requests, limits, gaps, (sizes, limit, gapMs) => {
        const rate = new SampledRate(window)
        let nowMs = 0
        let sum = 0
        for (const size of sizes) {
          rate.record(size * limit, nowMs)
          sum += size * limit
          nowMs += Math.max(gapMs, rate.excessMs(limit, nowMs))
        }
        // A window is let through to begin with, and what one request takes it beyond the limit.
        expect(sum).toBeLessThanOrEqual(limit * (nowMs / 1000 + 11) * 1.1)
      }),
      { numRuns: 50 },
    )
  })
})

describe('a token bucket', () => {
  test('begins full, may be overdrawn, and is paid back at its rate', () => {
    const bucket = new TokenBucket(window, 2)
    expect(bucket.tokens(0)).toBe(22)
    bucket.take(30, 0)
    expect(bucket.debtMs(0)).toBe(4000)
    expect(bucket.debtMs(3000)).toBe(1000)
    expect(bucket.debtMs(4000)).toBe(0)
    expect(bucket.tokens(1_000_000)).toBe(22)
  })

  test('gives no more than its rate and its burst', () => {
    const steps = fc.array(fc.record({ permits: fc.nat(10), gapMs: fc.nat(2000) }), {
      minLength: 50,
    })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), (all, limit) => {
        const bucket = new TokenBucket(window, limit)
        let nowMs = 0
        let given = 0
        for (const { permits, gapMs } of all) {
          nowMs += gapMs
          if (bucket.debtMs(nowMs) > 0) continue
          bucket.take(permits, nowMs)
          given += permits
        }
        expect(given).toBeLessThanOrEqual(limit * (nowMs / 1000 + 11) + 10)
      }),
      { numRuns: 50 },
    )
  })
})

describe('limits', () => {
  const setting = (entity: QuotaSetting['entity'], rate: number): QuotaSetting => ({
    entity,
    values: { rate },
  })
  /** In the order of their precedence. */
  const all = [
    setting({ user: 'u', 'client-id': 'c' }, 1),
    setting({ user: 'u', 'client-id': null }, 2),
    setting({ user: 'u' }, 3),
    setting({ user: null, 'client-id': 'c' }, 4),
    setting({ user: null, 'client-id': null }, 5),
    setting({ user: null }, 6),
    setting({ 'client-id': 'c' }, 7),
    setting({ 'client-id': null }, 8),
  ]

  test('the most specific one counts, as in Kafka', () => {
    for (let from = 0; from < all.length; from++) {
      const shuffled = all.slice(from).reverse()
      expect(new QuotaLimits(shuffled, 'rate').find('u', 'c')?.limit).toBe(from + 1)
    }
    expect(new QuotaLimits([], 'rate').find('u', 'c')).toBeUndefined()
    expect(new QuotaLimits(all, 'other').none).toBe(true)
    const ofAddress = { entity: { ip: '::1' }, values: { rate: 1 } }
    expect(new QuotaLimits([ofAddress], 'rate').none).toBe(true)
  })

  test('a limit of a user is shared by its clients; one for any is each its own', () => {
    const meters = (setup: QuotaSetting[]) => {
      const limits = new QuotaLimits(setup, 'rate')
      const clients = [
        ['u', 'a'],
        ['u', 'b'],
        ['v', 'a'],
      ]
      return new Set(clients.map(([user, id]) => limits.find(user, id)?.meter)).size
    }
    expect(meters([setting({ user: null }, 1)])).toBe(2)
    expect(meters([setting({ 'client-id': null }, 1)])).toBe(2)
    expect(meters([setting({ user: null, 'client-id': null }, 1)])).toBe(3)
    expect(meters([setting({ user: 'u' }, 1), setting({ user: 'v' }, 1)])).toBe(2)
  })

  test('the name of an entity leads back to it', () => {
    const names = fc.option(fc.string({ minLength: 1, unit: 'grapheme' }), { nil: null })
    const entities = fc.record({ user: names, 'client-id': names }, { requiredKeys: ['user'] })
    fc.assert(
      fc.property(entities, (entity) => {
        expect(readQuotaEntityKey(quotaEntityKey(entity))).toEqual(entity)
      }),
    )
    expect(quotaEntityKey({ user: '<default>' })).not.toBe(quotaEntityKey({ user: null }))
  })
})

describe('quotas', () => {
  const limited = (values: Record<string, number>): QuotaSetting[] => [
    { entity: { 'client-id': 'c' }, values },
  ]
  const client = { user: 'ANONYMOUS', clientId: 'c' }

  test('what is changed while a client waits holds at once, and forgets nothing', () => {
    const quota = new RateQuota({ key: 'producer_byte_rate', window })
    expect(quota.enabled).toBe(false)
    quota.refresh(limited({ producer_byte_rate: 1000 }))
    expect(quota.enabled).toBe(true)
    expect(quota.mostAtOnce(client)).toBe(10_000)
    expect(quota.charge(client, 20_000, 0)).toBe(10_000)
    expect(quota.charge({ ...client, clientId: 'other' }, 20_000, 0)).toBe(0)
    quota.refresh(limited({ producer_byte_rate: 4000 }))
    expect(quota.charge(client, 0, 0)).toBe(0)
    quota.credit(client, 20_000, 0)
    quota.refresh(limited({ producer_byte_rate: 1 }))
    expect(quota.charge(client, 0, 0)).toBe(0)
  })

  test('a wait is bounded where the quota says so', () => {
    const quota = new RateQuota({ key: 'request_percentage', window, waitMsMax: 1000 })
    quota.refresh(limited({ request_percentage: 1 }))
    expect(quota.charge(client, 1_000_000, 0)).toBe(1000)
  })

  test('mutations: strict ones are refused while overdrawn, others only wait', () => {
    const quota = new MutationQuota(window)
    quota.refresh(limited({ controller_mutation_rate: 1 }))
    const strict = { strict: true, nowMs: 0 }
    expect(quota.take(client, 15, strict)).toEqual({ granted: true, waitMs: 0 })
    expect(quota.take(client, 1, strict)).toEqual({ granted: false, waitMs: 4000 })
    expect(quota.take(client, 1, { strict: false, nowMs: 0 })).toEqual({
      granted: true,
      waitMs: 5000,
    })
    expect(quota.take(client, 1, { strict: true, nowMs: 5000 })).toEqual({
      granted: true,
      waitMs: 0,
    })
  })

  test('client ids that are made up do not fill the memory', () => {
    const meters = new Meters<object>(1000)
    for (let i = 0; i < 30_000; i++) meters.of(`client-${i}`, 0, () => ({}))
    expect(meters.size).toBeLessThanOrEqual(10_000)
    const kept = meters.of('client-29999', 500, () => ({}))
    for (let i = 0; i < 100; i++) meters.of(`late-${i}`, 1200, () => ({}))
    expect(meters.of('client-29999', 1200, () => ({}))).toBe(kept)
    expect(meters.size).toBeLessThanOrEqual(101)
  })
})
