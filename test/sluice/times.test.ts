import { expect, test } from 'vitest'
import { instant, isoDurationMs } from '../../packages/sluice/src/times.ts'

test.each([
  ['2026-01-31T09:00:00.500', '2026-01-31T09:00:00.500Z'],
  ['2026-01-31T09:00', '2026-01-31T09:00:00.000Z'],
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['2026-01-31T09:00:00Z', '2026-01-31T09:00:00.000Z'],
  ['2026-01-31T09:00:00+01:30', '2026-01-31T07:30:00.000Z'],
  ['2026-01-31T09:00:00-0800', '2026-01-31T17:00:00.000Z'],
  ['2026-01-31T09:00:00+05', '2026-01-31T04:00:00.000Z'],
])('%s is %s', (text, utc) => {
  expect(new Date(instant(text) ?? Number.NaN).toISOString()).toBe(utc)
})

test.each(['', 'now', '2026-13-01', '2026-01-31T25:00', '31.01.2026', '1700000000000'])(
  '%j is no time',
  (text) => expect(instant(text)).toBeUndefined(),
)

test.each([
  ['PT5M', 300_000],
  ['P1D', 86_400_000],
  ['P1DT2H3M4.5S', 93_784_500],
  ['pt0.25s', 250],
])('%s is %d ms', (text, ms) => expect(isoDurationMs(text)).toBe(ms))

test.each(['', 'P', 'PT', 'P1DT', '5m', 'P1M', 'PT5'])('%j is no duration', (text) => {
  expect(isoDurationMs(text)).toBeUndefined()
})
