// Admission: whether records may enter a partition, by the topic's configs, and in which form. Nothing
// is written to a log here. Batches pass as they came, unless the topic stores them in a codec of its
// own or stamps them with the time of append.

import { errors } from '@sluice/protocol/errors'
import {
  attributeBits,
  type BatchHeader,
  type Codec,
  readBatchHeader,
  stampLogAppendTime,
} from '@sluice/protocol/records/batch'
import { readKeyMark } from '@sluice/protocol/records/key-mark'
import { recompressBatch } from '@sluice/protocol/records/recompress'
import { type ValidationFailure, validateBatches } from '@sluice/protocol/records/validate'
import type { TopicConfig } from '../config/topic-config.ts'

export type Admission =
  | { readonly ok: true; readonly records: Buffer; readonly batches: BatchHeader[] }
  | ValidationFailure

export interface AdmissionOptions {
  readonly config: TopicConfig
  readonly origin: 'client' | 'coordinator'
  /** Open compressed batches and check each record too (sluice.validate=deep). */
  readonly deep: boolean
  readonly nowMs: number
  /** What the request says of the batch's mark. */
  readonly keyMark?: Buffer
}

export function admit(records: Buffer, options: AdmissionOptions): Admission {
  const { config, origin, deep, nowMs } = options
  const maxBatchBytes = config['max.message.bytes']
  const stamps = config['message.timestamp.type'] === 'LogAppendTime'
  const { POSITIVE_INFINITY } = Number
  const beforeMaxMs = stamps ? POSITIVE_INFINITY : config['message.timestamp.before.max.ms']
  const afterMaxMs = stamps ? POSITIVE_INFINITY : config['message.timestamp.after.max.ms']
  const valid = validateBatches(records, {
    maxBatchBytes,
    requireKeys: config['cleanup.policy'].includes('compact'),
    origin,
    // What is to be stored in another codec must open.
    deep: deep || config['compression.type'] !== 'producer',
    earliestTimestampMs: nowMs - beforeMaxMs,
    latestTimestampMs: nowMs + afterMaxMs,
  })
  if (!valid.ok) return valid
  if (origin === 'client' && valid.batches.some(({ transactional }) => transactional)) {
    const message = 'transactions are not available in this version of Sluice'
    return { ok: false, error: errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message }
  }
  const [first] = valid.batches
  if (options.keyMark !== undefined || (first.attributes & attributeBits.keyMark) !== 0) {
    const mark = readKeyMark(records, first)
    // One that nobody asked for would come to life when the log is recovered.
    if (mark === undefined || options.keyMark?.equals(mark) !== true) return falseMark
  }
  const admitted = inTopicsCodec(records, valid.batches, config)
  const tooLarge = admitted.batches.find(({ batchBytes }) => batchBytes > maxBatchBytes)
  if (tooLarge) {
    const message = `the batch has ${tooLarge.batchBytes} bytes in the topic's codec, the topic takes ${maxBatchBytes}`
    return { ok: false, error: errors.MESSAGE_TOO_LARGE, message }
  }
  if (stamps) stamp(admitted, nowMs)
  return admitted
}

const falseMark: Admission = {
  ok: false,
  error: errors.INVALID_RECORD,
  message: 'the key mark of the batch is not that of the request',
}

type Admitted = Extract<Admission, { ok: true }>

/**
 * compression.type of the topic, unless it is `producer`, decides how batches lie in the log. One that comes in
 * that codec stays as it is, whatever its level (Kafka's LogValidator).
 */
function inTopicsCodec(records: Buffer, batches: BatchHeader[], config: TopicConfig): Admitted {
  const type = config['compression.type']
  if (type === 'producer') return { ok: true, records, batches }
  const codec = type === 'uncompressed' ? 'none' : type
  if (batches.every((batch) => batch.codec === codec)) return { ok: true, records, batches }
  const parts = batches.map((batch) =>
    batch.codec === codec || batch.control
      ? records.subarray(batch.at, batch.at + batch.batchBytes)
      : recompressBatch(records, batch, codec, levelOf(codec, config)),
  )
  const headers: BatchHeader[] = []
  const whole = Buffer.concat(parts)
  let at = 0
  for (const part of parts) {
    headers.push(readBatchHeader(whole, at))
    at += part.length
  }
  return { ok: true, records: whole, batches: headers }
}

function levelOf(codec: Codec, config: TopicConfig): number | undefined {
  switch (codec) {
    case 'gzip':
      return config['compression.gzip.level']
    case 'lz4':
      return config['compression.lz4.level']
    case 'zstd':
      return config['compression.zstd.level']
    default:
      return undefined
  }
}

function stamp(admitted: Admitted, nowMs: number): void {
  const { records, batches } = admitted
  for (let i = 0; i < batches.length; i++) {
    const { at } = batches[i]
    stampLogAppendTime(records, at, nowMs)
    batches[i] = readBatchHeader(records, at)
  }
}
