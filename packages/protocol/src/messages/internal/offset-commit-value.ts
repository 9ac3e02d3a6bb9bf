// A committed offset in __consumer_offsets; behind an int16 version. A tombstone takes it back.
// v1 expiry of its own · v3 leader epoch (KIP-320) · v4 flexible (KIP-915)
import { type Decoded, int32, int64, message, string, uuid } from '../../schema.ts'

export const offsetCommitValue = message(
  'OffsetCommitValue',
  { versions: '0-4', flexible: '4+' },
  {
    offset: int64(),
    leaderEpoch: int32({ versions: '3+', ignorable: true, default: -1 }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ versions: '1', ignorable: true, default: -1 }),
    topicId: uuid({ versions: '4+', tag: 0, ignorable: true }),
  },
)

export interface OffsetCommitValue extends Decoded<typeof offsetCommitValue> {}
