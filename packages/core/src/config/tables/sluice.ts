// Configs of our own; all begin with `sluice.`.

import { choice, list } from '../definition.ts'

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
} as const
