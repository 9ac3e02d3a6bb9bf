// Frames: what Kafka sends over a connection, in both directions.
//
//   int32 size
//   request    int16 api key, int16 version, int32 correlation id, nullable string client id
//              v2 (flexible versions): tagged fields
//   response   int32 correlation id
//              v1 (flexible versions): tagged fields
//   body
//
// The response to ApiVersions always has header v0: a client must be able to read it before it
// knows what the broker speaks.
import { type Api, apiByKey, apis } from './apis.ts'
import { DecodeError, decodeNext, encodeInto, sharedWriter } from './codec.ts'
import { Reader } from './reader.ts'
import { type Decoded, type Encodable, includes, type Message } from './schema.ts'

export { FrameError, FrameReader } from './frame-reader.ts'

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

export interface Response<S extends Message> {
  readonly correlationId: number
  readonly body: Decoded<S>
}

/** Reads the header of a request from a frame without its size; leaves `reader` at the body. @throws DecodeError */
export function readRequestHeader(reader: Reader): RequestHeader {
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const clientId = reader.stringOrNull()
  // Also for a version that is not served: ApiVersions has to answer it. Of an unknown API nobody
  // knows from where on it is flexible; its request is refused whatever stands there.
  const request = apiByKey(apiKey)?.request
  if (request !== undefined && includes(request.flexible, apiVersion)) reader.unknownTags()
  return { apiKey, apiVersion, correlationId, clientId }
}

/** A whole request with its size in front. @throws EncodeError */
export function requestFrame<Q extends Message>(
  { key, request }: Api<Q, Message>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: Encodable<Q>,
): Buffer[] {
  const writer = sharedWriter
  writer.begin()
  writer.int32(0)
  writer.int16(key)
  writer.int16(version)
  writer.int32(correlationId)
  writer.stringOrNull(clientId)
  if (includes(request.flexible, version)) writer.uvarint(0)
  encodeInto(writer, request, version, body)
  writer.patchSize(writer.length - 4)
  return writer.finish()
}

/** A whole response with its size in front. @throws EncodeError */
export function responseFrame<S extends Message>(
  { response }: Api<Message, S>,
  version: number,
  correlationId: number,
  body: Encodable<S>,
): Buffer[] {
  const writer = sharedWriter
  writer.begin()
  writer.int32(0)
  writer.int32(correlationId)
  if (hasTaggedHeader(response, version)) writer.uvarint(0)
  encodeInto(writer, response, version, body)
  writer.patchSize(writer.length - 4)
  return writer.finish()
}

/** Reads a whole response; `frame` is without its size. @throws DecodeError */
export function readResponse<S extends Message>(
  { response }: Api<Message, S>,
  version: number,
  frame: Buffer,
): Response<S> {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (hasTaggedHeader(response, version)) reader.unknownTags()
  const bodyVersion = isRefusal(response, frame) ? 0 : version
  const body = decodeNext(reader, response, bodyVersion)
  if (reader.at < reader.end) {
    throw new DecodeError(`${response.name} v${version}: ${reader.end - reader.at} bytes too many`)
  }
  return { correlationId, body }
}

function hasTaggedHeader(response: Message, version: number): boolean {
  return response !== apiVersionsResponse && includes(response.flexible, version)
}

const apiVersionsResponse: Message = apis.apiVersions.response
const unsupportedVersion = 35

// KIP-511: a broker that does not serve the asked version of ApiVersions answers in version 0.
function isRefusal(response: Message, frame: Buffer): boolean {
  if (response !== apiVersionsResponse) return false
  return frame.length >= 6 && frame.readInt16BE(4) === unsupportedVersion
}
