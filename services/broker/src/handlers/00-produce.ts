// Produce
// v3 batches of format 2 · v5 log start offset · v7 zstd (KIP-110) · v8 record errors (KIP-467)
// v9 flexible · v10 current leader (KIP-951) · v12 transactions V2 (KIP-890) · v13 topic ids (KIP-516)
//
// Batches may come under terms of ours (protocol/extensions.ts), and are then answered with a verdict.
//
// Each partition's records go to its inbox; the answer is put together when the last one is settled.
// No promise is made on this path.

import type { Acks } from '@sluice/core/partition/commit-replicated'
import type { ProduceOutcome } from '@sluice/core/partition/partition'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { type AppendTerms, readTerms, writeVerdict } from '@sluice/protocol/extensions'
import type { ProduceRequest } from '@sluice/protocol/messages/00-produce'
import { codecOf } from '@sluice/protocol/records/batch'
import { zeroUuid } from '@sluice/protocol/schema'
import type { UnknownTag } from '@sluice/protocol/unknown-tag'
import type { Broker } from '../broker.ts'
import { handler, later } from '../handler.ts'
import { findPartition } from '../lookup.ts'

type TopicData = ProduceRequest['topicData'][number]
type PartitionData = TopicData['partitionData'][number]

const noRecords = Buffer.alloc(0)
const attributesLowByte = 22
const idsSince = 13

interface PartitionResponse {
  index: number
  errorCode: number
  baseOffset: number
  logAppendTimeMs: number
  logStartOffset: number
  recordErrors: { batchIndex: number; batchIndexErrorMessage: string }[]
  errorMessage: string | null
  unknownTags?: UnknownTag[]
}

export const produce = handler(
  apis.produce,
  {
    min: 3,
    max: 13,
    // Some librdkafka need to see it (KAFKA-18659).
    advertisedMin: 0,
    failed: (request, { errorCode, message }) =>
      request.acks === 0 ? undefined : allFailed(request, errorCode, message),
  },
  (broker, request, context) => {
    const refused = refuse(request)
    if (refused && request.acks !== 0) return refused
    if (refused) {
      context.disconnect('a transactional request with acks=0')
      return later
    }
    let missing = 1
    let failures = 0
    const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => unanswered(index)),
    }))
    const settled = () => {
      missing -= 1
      if (missing > 0) return
      broker.quotas.chargeProduce(context)
      context.releaseRequest()
      if (request.acks !== 0) context.respond({ responses })
      else if (failures === 0) context.respond(undefined)
      else context.disconnect('records could not be appended and acks=0 has no other way to say so')
    }
    request.topicData.forEach((topic, t) => {
      topic.partitionData.forEach((data, p) => {
        missing += 1
        append(broker, { request, topic, data, version: context.apiVersion }, (outcome) => {
          if (outcome.error !== 0) failures += 1
          answer(responses[t].partitionResponses[p], outcome)
          settled()
        })
      })
    })
    settled()
    return later
  },
)

/** What is refused as a whole, before any partition is looked at. */
function refuse(request: ProduceRequest) {
  if (request.transactionalId !== null) {
    const message = 'transactions are not available in this version of Sluice'
    return allFailed(request, errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message)
  }
  const { acks } = request
  if (acks === 0 || acks === 1 || acks === -1) return undefined
  return allFailed(request, errors.INVALID_REQUIRED_ACKS, null)
}

interface Part {
  readonly request: ProduceRequest
  readonly topic: TopicData
  readonly data: PartitionData
  readonly version: number
}

function append(broker: Broker, part: Part, done: (outcome: ProduceOutcome) => void): void {
  const { request, topic, data, version } = part
  const partition = findPartition(broker, topic, data.index)
  if (typeof partition === 'number') {
    const isNameless = version >= idsSince && topic.topicId === zeroUuid
    done(failedOutcome(isNameless ? errors.UNKNOWN_TOPIC_ID : partition))
    return
  }
  const records = data.records ?? noRecords
  if (version < 7 && isZstd(records)) {
    done(failedOutcome(errors.UNSUPPORTED_COMPRESSION_TYPE))
    return
  }
  let terms: AppendTerms | undefined
  if (data.unknownTags !== undefined) {
    const read = readTerms(data.unknownTags)
    if (read === 'malformed') {
      done(failedOutcome(errors.INVALID_REQUEST))
      return
    }
    terms = read
    if (data.records === null && terms?.keyMark !== undefined) {
      done(partition.lookUpKey(terms.keyMark))
      return
    }
  }
  const { timeoutMs } = request
  const acks = request.acks as Acks
  partition.submit(records, { acks, timeoutMs, origin: 'client', terms }, done)
}

/** Clients that ask at versions below 7 may not be able to read it. */
function isZstd(records: Buffer): boolean {
  return records.length > attributesLowByte && codecOf(records[attributesLowByte]) === 'zstd'
}

function failedOutcome(error: number): ProduceOutcome {
  return { error, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 }
}

function unanswered(index: number): PartitionResponse {
  return {
    index,
    errorCode: 0,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage: null,
  }
}

function answer(response: PartitionResponse, outcome: ProduceOutcome): void {
  response.errorCode = outcome.error
  response.baseOffset = outcome.baseOffset
  response.logAppendTimeMs = outcome.logAppendTimeMs
  response.logStartOffset = outcome.logStartOffset
  if (outcome.verdict !== undefined) response.unknownTags = [writeVerdict(outcome.verdict)]
  if (outcome.error === 0) return
  response.errorMessage = outcome.message ?? null
  for (const { batchIndex, message } of outcome.recordErrors ?? []) {
    response.recordErrors.push({ batchIndex, batchIndexErrorMessage: message })
  }
}

function allFailed(request: ProduceRequest, errorCode: number, errorMessage: string | null) {
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        ...unanswered(index),
        errorCode,
        errorMessage,
      })),
    })),
  }
}
