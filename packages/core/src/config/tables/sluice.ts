// Configs of our own; all begin with `sluice.`.

import { choice, int, list, long } from '../definition.ts'

export const sluiceConfigs = {
  'sluice.validate': choice(
    ['headers', 'deep'],
    'headers',
    'How far a batch is checked before it is stored: its header, CRC and records as far as they ' +
      'lie open, or (deep) compressed records too.',
  ),
  'sluice.http.hosts': list(
    [],
    'Host names that HTTP requests may name besides localhost and the addresses listened on.',
  ),
  'sluice.http.origins': list(
    [],
    'Origins whose web pages may use the HTTP API (CORS): https://app.example, http://localhost:*, ' +
      'https://*.example, null for pages without one, or * for all.',
  ),
  'sluice.http.stream.max.age.ms': long(
    3_600_000,
    'Age at which a followed HTTP stream ends with a reconnect event.',
    { min: 1000 },
  ),
} as const

/** Of topics. */
export const sluiceTopicConfigs = {
  'sluice.dedup.window.ms': long(900_000, 'How long an Idempotency-Key is known.', { min: 0 }),
  'sluice.dedup.entries.max': int(
    500_000,
    'How many idempotency keys a partition knows at most; further ones are refused (429), none is ' +
      'forgotten early.',
    { min: 0, max: 10_000_000 },
  ),
} as const
