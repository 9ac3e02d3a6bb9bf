// ConsumerProtocolAssignment
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
