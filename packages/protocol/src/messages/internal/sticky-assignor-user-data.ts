// What a member tells the leader of a group that assigns by 'sticky': the share it had last, and in which
// generation; the user data of its ConsumerProtocolSubscription, without a version before it.
// v1 generation (KIP-341)
import { array, type Decoded, int32, message, string, struct } from '../../schema.ts'

export const stickyAssignorUserData = message(
  'StickyAssignorUserData',
  { versions: '0-1', flexible: 'none' },
  {
    previousAssignment: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
    ),
    generation: int32({ versions: '1+', ignorable: true, default: -1 }),
  },
)

export interface StickyAssignorUserData extends Decoded<typeof stickyAssignorUserData> {}
