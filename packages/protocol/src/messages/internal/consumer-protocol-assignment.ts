// What the leader of a consumer group tells a member; behind an int16 version.
// v1 to v3 follow those of the subscription
import { array, bytes, type Decoded, int32, message, string, struct } from '../../schema.ts'

export const consumerProtocolAssignment = message(
  'ConsumerProtocolAssignment',
  { versions: '0-3', flexible: 'none' },
  {
    assignedPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
    ),
    userData: bytes({ nullable: '0+', default: null }),
  },
)

export interface ConsumerProtocolAssignment extends Decoded<typeof consumerProtocolAssignment> {}
