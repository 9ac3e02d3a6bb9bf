// A classic group in __consumer_offsets; behind an int16 version. A tombstone ends it.
// v1 rebalance time-out (KIP-62) · v2 time of the last change · v3 static members (KIP-345)
// v4 flexible (KIP-915)
import { array, bytes, type Decoded, int32, int64, message, string, struct } from '../../schema.ts'

const memberMetadata = {
  memberId: string(),
  groupInstanceId: string({ versions: '3+', nullable: '0+', ignorable: true, default: null }),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32({ versions: '1+', ignorable: true, default: -1 }),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes(),
}

export const groupMetadataValue = message(
  'GroupMetadataValue',
  { versions: '0-4', flexible: '4+' },
  {
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: '0+' }),
    leader: string({ nullable: '0+' }),
    currentStateTimestamp: int64({ versions: '2+', ignorable: true, default: -1 }),
    members: array(struct(memberMetadata)),
  },
)

export interface GroupMetadataValue extends Decoded<typeof groupMetadataValue> {}
