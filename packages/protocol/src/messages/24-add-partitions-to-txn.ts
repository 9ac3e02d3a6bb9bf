// AddPartitionsToTxn: partitions that a transaction is about to write to (KIP-98).
// v2 PRODUCER_FENCED (KIP-588) · v3 flexible; the last for clients
// v4 among brokers: several transactions, or only verify (KIP-890) · v5 TRANSACTION_ABORTABLE
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

const addPartitionsToTxnTopic = {
  name: string(),
  partitions: array(int32()),
}

export const addPartitionsToTxnRequest = message(
  'AddPartitionsToTxnRequest',
  { apiKey: 24, versions: '0-5', flexible: '3+' },
  {
    transactions: array(
      struct({
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: bool({ default: false }),
        topics: array(struct(addPartitionsToTxnTopic)),
      }),
      { versions: '4+' },
    ),
    v3AndBelowTransactionalId: string({ versions: '0-3' }),
    v3AndBelowProducerId: int64({ versions: '0-3' }),
    v3AndBelowProducerEpoch: int16({ versions: '0-3' }),
    v3AndBelowTopics: array(struct(addPartitionsToTxnTopic), { versions: '0-3' }),
  },
)

export interface AddPartitionsToTxnRequest extends Decoded<typeof addPartitionsToTxnRequest> {}

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32(),
  partitionErrorCode: int16(),
}

const addPartitionsToTxnTopicResult = {
  name: string(),
  resultsByPartition: array(struct(addPartitionsToTxnPartitionResult)),
}

export const addPartitionsToTxnResponse = message(
  'AddPartitionsToTxnResponse',
  { apiKey: 24, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ versions: '4+', ignorable: true }),
    resultsByTransaction: array(
      struct({
        transactionalId: string(),
        topicResults: array(struct(addPartitionsToTxnTopicResult)),
      }),
      { versions: '4+' },
    ),
    resultsByTopicV3AndBelow: array(struct(addPartitionsToTxnTopicResult), { versions: '0-3' }),
  },
)

export interface AddPartitionsToTxnResponse extends Decoded<typeof addPartitionsToTxnResponse> {}
