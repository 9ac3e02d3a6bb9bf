// Fetch: read record batches, as a consumer or as a follower; optionally within a session.
// v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch (KIP-320) · v10 zstd (KIP-110)
// v11 reads from the closest replica (KIP-392) · v12 flexible, last fetched epoch (KIP-595)
// v13 topic ids (KIP-516) · v14 OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405)
// v15 replica epoch (KIP-903) · v16 addresses of new leaders (KIP-951)
// v17 directory ids (KIP-853) · v18 high watermark (KIP-1166)
import {
  array,
  bigint64,
  clampedInt64,
  type Decoded,
  int8,
  int16,
  int32,
  int64,
  message,
  records,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const fetchRequest = message(
  'FetchRequest',
  { apiKey: 1, versions: '4-18', flexible: '12+' },
  {
    clusterId: string({ versions: '12+', nullable: '0+', tag: 0, ignorable: true, default: null }),
    replicaId: int32({ versions: '0-14', default: -1 }),
    replicaState: struct(
      {
        replicaId: int32({ default: -1 }),
        replicaEpoch: clampedInt64({ default: -1 }),
      },
      { versions: '15+', tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ ignorable: true, default: 2147483647 }),
    isolationLevel: int8({ ignorable: true, default: 0 }),
    sessionId: int32({ versions: '7+', ignorable: true, default: 0 }),
    sessionEpoch: int32({ versions: '7+', ignorable: true, default: -1 }),
    topics: array(
      struct({
        topic: string({ versions: '0-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitions: array(
          struct({
            partition: int32(),
            currentLeaderEpoch: int32({ versions: '9+', ignorable: true, default: -1 }),
            fetchOffset: clampedInt64(),
            lastFetchedEpoch: int32({ versions: '12+', default: -1 }),
            logStartOffset: clampedInt64({ versions: '5+', ignorable: true, default: -1 }),
            partitionMaxBytes: int32(),
            replicaDirectoryId: uuid({ versions: '17+', tag: 0, ignorable: true }),
            highWatermark: bigint64({
              versions: '18+',
              tag: 1,
              ignorable: true,
              default: 9223372036854775807n,
            }),
          }),
        ),
      }),
    ),
    forgottenTopicsData: array(
      struct({
        topic: string({ versions: '7-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitions: array(int32()),
      }),
      { versions: '7+' },
    ),
    rackId: string({ versions: '11+', ignorable: true, default: '' }),
  },
)

export interface FetchRequest extends Decoded<typeof fetchRequest> {}

export const fetchResponse = message(
  'FetchResponse',
  { apiKey: 1, versions: '4-18', flexible: '12+' },
  {
    throttleTimeMs: int32({ ignorable: true, default: 0 }),
    errorCode: int16({ versions: '7+', ignorable: true }),
    sessionId: int32({ versions: '7+', default: 0 }),
    responses: array(
      struct({
        topic: string({ versions: '0-12', ignorable: true }),
        topicId: uuid({ versions: '13+', ignorable: true }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            highWatermark: int64(),
            lastStableOffset: int64({ ignorable: true, default: -1 }),
            logStartOffset: int64({ versions: '5+', ignorable: true, default: -1 }),
            divergingEpoch: struct(
              {
                epoch: int32({ default: -1 }),
                endOffset: int64({ default: -1 }),
              },
              { versions: '12+', tag: 0 },
            ),
            currentLeader: struct(
              {
                leaderId: int32({ default: -1 }),
                leaderEpoch: int32({ default: -1 }),
              },
              { versions: '12+', tag: 1 },
            ),
            snapshotId: struct(
              {
                endOffset: int64({ default: -1 }),
                epoch: int32({ default: -1 }),
              },
              { versions: '12+', tag: 2 },
            ),
            abortedTransactions: array(
              struct({
                producerId: int64(),
                firstOffset: int64(),
              }),
              { nullable: '0+', ignorable: true },
            ),
            preferredReadReplica: int32({ versions: '11+', default: -1 }),
            records: records(),
          }),
        ),
      }),
    ),
    nodeEndpoints: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: '0+', default: null }),
      }),
      { versions: '16+', tag: 0 },
    ),
  },
)

export interface FetchResponse extends Decoded<typeof fetchResponse> {}
