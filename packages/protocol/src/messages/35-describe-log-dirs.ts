// DescribeLogDirs: the log directories of a broker and what is in them (KIP-113).
// v2 flexible · v3 an error for the whole response (KIP-784) · v4 size of the volume (KIP-827)
// v5 cordoned
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
} from '../schema.ts'

export const describeLogDirsRequest = message(
  'DescribeLogDirsRequest',
  { apiKey: 35, versions: '1-5', flexible: '2+' },
  {
    topics: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
      { nullable: '0+' },
    ),
  },
)

export interface DescribeLogDirsRequest extends Decoded<typeof describeLogDirsRequest> {}

export const describeLogDirsResponse = message(
  'DescribeLogDirsResponse',
  { apiKey: 35, versions: '1-5', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ versions: '3+', ignorable: true }),
    results: array(
      struct({
        errorCode: int16(),
        logDir: string(),
        topics: array(
          struct({
            name: string(),
            partitions: array(
              struct({
                partitionIndex: int32(),
                partitionSize: int64(),
                offsetLag: int64(),
                isFutureKey: bool(),
              }),
            ),
          }),
        ),
        totalBytes: int64({ versions: '4+', ignorable: true, default: -1 }),
        usableBytes: int64({ versions: '4+', ignorable: true, default: -1 }),
        isCordoned: bool({ versions: '5+', ignorable: true, default: false }),
      }),
    ),
  },
)

export interface DescribeLogDirsResponse extends Decoded<typeof describeLogDirsResponse> {}
