// OffsetCommitKey
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
