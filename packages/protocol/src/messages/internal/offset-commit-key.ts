// Key of a committed offset in __consumer_offsets; behind an int16 that is 0 or 1, as it is here.
import { type Decoded, int32, message, string } from '../../schema.ts'

export const offsetCommitKey = message(
  'OffsetCommitKey',
  { versions: '0-1', flexible: 'none' },
  {
    group: string(),
    topic: string(),
    partition: int32(),
  },
)

export interface OffsetCommitKey extends Decoded<typeof offsetCommitKey> {}
