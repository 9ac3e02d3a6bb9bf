// AlterReplicaLogDirs: moves replicas between the log directories of the broker that is asked (KIP-113).
// v2 flexible
import { array, type Decoded, int16, int32, message, string, struct } from '../schema.ts'

export const alterReplicaLogDirsRequest = message(
  'AlterReplicaLogDirsRequest',
  { apiKey: 34, versions: '1-2', flexible: '2+' },
  {
    dirs: array(
      struct({
        path: string(),
        topics: array(
          struct({
            name: string(),
            partitions: array(int32()),
          }),
        ),
      }),
    ),
  },
)

export interface AlterReplicaLogDirsRequest extends Decoded<typeof alterReplicaLogDirsRequest> {}

export const alterReplicaLogDirsResponse = message(
  'AlterReplicaLogDirsResponse',
  { apiKey: 34, versions: '1-2', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    results: array(
      struct({
        topicName: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
)

export interface AlterReplicaLogDirsResponse extends Decoded<typeof alterReplicaLogDirsResponse> {}
