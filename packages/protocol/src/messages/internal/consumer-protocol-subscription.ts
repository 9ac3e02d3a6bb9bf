// What a member of a consumer group tells the leader when it joins; behind an int16 version.
// v1 partitions it owns (KIP-429) · v2 generation (KIP-792) · v3 rack (KIP-881)
import { array, bytes, type Decoded, int32, message, string, struct } from '../../schema.ts'

export const consumerProtocolSubscription = message(
  'ConsumerProtocolSubscription',
  { versions: '0-3', flexible: 'none' },
  {
    topics: array(string()),
    userData: bytes({ nullable: '0+', default: null }),
    ownedPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
      { versions: '1+', ignorable: true },
    ),
    generationId: int32({ versions: '2+', ignorable: true, default: -1 }),
    rackId: string({ versions: '3+', nullable: '0+', ignorable: true, default: null }),
  },
)

export interface ConsumerProtocolSubscription
  extends Decoded<typeof consumerProtocolSubscription> {}
