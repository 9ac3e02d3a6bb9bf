// Key of a classic group in __consumer_offsets; behind an int16 that is 2, as it is here.
import { type Decoded, message, string } from '../../schema.ts'

export const groupMetadataKey = message(
  'GroupMetadataKey',
  { versions: '2', flexible: 'none' },
  {
    group: string(),
  },
)

export interface GroupMetadataKey extends Decoded<typeof groupMetadataKey> {}
