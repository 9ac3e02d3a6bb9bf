// OffsetFetch: read a group's offsets; a null list asks for all.
// v2 all offsets, an error for the whole response · v3 throttle time · v5 leader epoch (KIP-320)
// v6 flexible · v7 only stable offsets (KIP-447) · v8 many groups at once (KIP-709)
// v9 members of new groups (KIP-848) · v10 topic ids
import {
  array,
  bool,
  type Decoded,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const offsetFetchRequest = message(
  'OffsetFetchRequest',
  { apiKey: 9, versions: '1-10', flexible: '6+' },
  {
    groupId: string({ versions: '0-7' }),
    topics: array(
      struct({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      { versions: '0-7', nullable: '2-7' },
    ),
    groups: array(
      struct({
        groupId: string(),
        memberId: string({ versions: '9+', nullable: '0+', ignorable: true, default: null }),
        memberEpoch: int32({ versions: '9+', ignorable: true, default: -1 }),
        topics: array(
          struct({
            name: string({ versions: '8-9', ignorable: true }),
            topicId: uuid({ versions: '10+', ignorable: true }),
            partitionIndexes: array(int32()),
          }),
          { nullable: '0+' },
        ),
      }),
      { versions: '8+' },
    ),
    requireStable: bool({ versions: '7+', default: false }),
  },
)

export interface OffsetFetchRequest extends Decoded<typeof offsetFetchRequest> {}

export const offsetFetchResponse = message(
  'OffsetFetchResponse',
  { apiKey: 9, versions: '1-10', flexible: '6+' },
  {
    throttleTimeMs: int32({ versions: '3+', ignorable: true, default: 0 }),
    topics: array(
      struct({
        name: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ versions: '5-7', ignorable: true, default: -1 }),
            metadata: string({ nullable: '0+' }),
            errorCode: int16(),
          }),
        ),
      }),
      { versions: '0-7' },
    ),
    errorCode: int16({ versions: '2-7', ignorable: true, default: 0 }),
    groups: array(
      struct({
        groupId: string(),
        topics: array(
          struct({
            name: string({ versions: '8-9', ignorable: true }),
            topicId: uuid({ versions: '10+', ignorable: true }),
            partitions: array(
              struct({
                partitionIndex: int32(),
                committedOffset: int64(),
                committedLeaderEpoch: int32({ ignorable: true, default: -1 }),
                metadata: string({ nullable: '0+' }),
                errorCode: int16(),
              }),
            ),
          }),
        ),
        errorCode: int16({ default: 0 }),
      }),
      { versions: '8+' },
    ),
  },
)

export interface OffsetFetchResponse extends Decoded<typeof offsetFetchResponse> {}
