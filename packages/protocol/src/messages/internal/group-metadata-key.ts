// GroupMetadataKey
import { type Decoded, message, string } from '../../schema.ts'

export const groupMetadataKey = message(
  'GroupMetadataKey',
  { versions: '2', flexible: 'none' },
  {
    group: string(),
  },
)

export interface GroupMetadataKey extends Decoded<typeof groupMetadataKey> {}
