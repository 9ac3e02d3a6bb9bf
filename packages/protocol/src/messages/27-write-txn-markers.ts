// WriteTxnMarkers: the coordinator ends transactions in partitions (KIP-98).
// v1 flexible · v2 transaction version (KIP-1228)
import {
  array,
  bool,
  type Decoded,
  int8,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
} from '../schema.ts'

export const writeTxnMarkersRequest = message(
  'WriteTxnMarkersRequest',
  { apiKey: 27, versions: '1-2', flexible: '1+' },
  {
    markers: array(
      struct({
        producerId: int64(),
        producerEpoch: int16(),
        transactionResult: bool(),
        topics: array(
          struct({
            name: string(),
            partitionIndexes: array(int32()),
          }),
        ),
        coordinatorEpoch: int32(),
        transactionVersion: int8({ versions: '2+', ignorable: true, default: 0 }),
      }),
    ),
  },
)

export interface WriteTxnMarkersRequest extends Decoded<typeof writeTxnMarkersRequest> {}

export const writeTxnMarkersResponse = message(
  'WriteTxnMarkersResponse',
  { apiKey: 27, versions: '1-2', flexible: '1+' },
  {
    markers: array(
      struct({
        producerId: int64(),
        topics: array(
          struct({
            name: string(),
            partitions: array(
              struct({
                partitionIndex: int32(),
                errorCode: int16(),
              }),
            ),
          }),
        ),
      }),
    ),
  },
)

export interface WriteTxnMarkersResponse extends Decoded<typeof writeTxnMarkersResponse> {}
