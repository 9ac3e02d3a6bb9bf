// Metadata: brokers, topics, partitions and their leaders.
// v0 an empty list asks for all topics, from v1 on null does
// v1 racks, controller, internal topics · v2 cluster id (KIP-78) · v3 throttle time
// v4 auto creation can be forbidden (KIP-204) · v5 offline replicas (KIP-112)
// v7 leader epoch (KIP-320) · v8 authorized operations (KIP-430)
// v9 flexible · v10 topic ids in the response (KIP-516) · v11 cluster operations moved to
// DescribeCluster (KIP-700) · v12 topic ids in the request · v13 an error for the whole response
import {
  array,
  bool,
  type Decoded,
  int16,
  int32,
  message,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const metadataRequest = message(
  'MetadataRequest',
  { apiKey: 3, versions: '0-13', flexible: '9+' },
  {
    topics: array(
      struct({
        topicId: uuid({ versions: '10+', ignorable: true }),
        name: string({ nullable: '10+' }),
      }),
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool({ versions: '4+', default: true }),
    includeClusterAuthorizedOperations: bool({ versions: '8-10' }),
    includeTopicAuthorizedOperations: bool({ versions: '8+' }),
  },
)

export interface MetadataRequest extends Decoded<typeof metadataRequest> {}

export const metadataResponse = message(
  'MetadataResponse',
  { apiKey: 3, versions: '0-13', flexible: '9+' },
  {
    throttleTimeMs: int32({ versions: '3+', ignorable: true, default: 0 }),
    brokers: array(
      struct({
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ versions: '1+', nullable: '0+', ignorable: true, default: null }),
      }),
    ),
    clusterId: string({ versions: '2+', nullable: '0+', ignorable: true, default: null }),
    controllerId: int32({ versions: '1+', ignorable: true, default: -1 }),
    topics: array(
      struct({
        errorCode: int16(),
        name: string({ nullable: '12+' }),
        topicId: uuid({ versions: '10+', ignorable: true }),
        isInternal: bool({ versions: '1+', ignorable: true, default: false }),
        partitions: array(
          struct({
            errorCode: int16(),
            partitionIndex: int32(),
            leaderId: int32(),
            leaderEpoch: int32({ versions: '7+', ignorable: true, default: -1 }),
            replicaNodes: array(int32()),
            isrNodes: array(int32()),
            offlineReplicas: array(int32(), { versions: '5+', ignorable: true }),
          }),
        ),
        topicAuthorizedOperations: int32({ versions: '8+', default: -2147483648 }),
      }),
    ),
    clusterAuthorizedOperations: int32({ versions: '8-10', default: -2147483648 }),
    errorCode: int16({ versions: '13+', ignorable: true }),
  },
)

export interface MetadataResponse extends Decoded<typeof metadataResponse> {}
