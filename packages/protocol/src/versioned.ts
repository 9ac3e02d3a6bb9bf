// Messages that carry their own version: the keys and values of __consumer_offsets and what members
// of a consumer group tell each other.
//
//   int16 version, message at that version
import { decode, decodeNext, encode } from './codec.ts'
import { Reader } from './reader.ts'
import type { Decoded, Encodable, Message } from './schema.ts'

export function encodeVersioned<M extends Message>(
  message: M,
  version: number,
  value: Encodable<M>,
): Buffer {
  const head = Buffer.allocUnsafe(2)
  head.writeInt16BE(version)
  return Buffer.concat([head, ...encode(message, version, value)])
}

/** @throws DecodeError, also for a version that we do not know */
export function decodeVersioned<M extends Message>(message: M, buffer: Buffer): Decoded<M> {
  const version = new Reader(buffer).int16()
  return decode(message, version, buffer, 2)
}

/**
 * For what clients write (ConsumerProtocolSubscription and -Assignment), as Kafka reads it: a newer
 * version only adds at the end, so it is read as the latest that we know and the rest is left.
 */
export function decodeForward<M extends Message>(message: M, buffer: Buffer): Decoded<M> {
  const reader = new Reader(buffer)
  const version = reader.int16()
  return decodeNext(reader, message, Math.min(version, message.versions.max))
}
