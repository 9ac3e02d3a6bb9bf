// Bytes to values and back, for any message at any of its versions.
//
// A decoded message's buffers are views on the input: they live as long as it is left alone. An
// encoded message is a list of buffers of which `records` are those that were given.
import { DecodeError, EncodeError } from './codec-error.ts'
import { canCompile, compileRead, compileWrite } from './compile.ts'
import { interpretRead, interpretWrite } from './interpret.ts'
import { Reader } from './reader.ts'
import type { Decoded, Encodable, Message, Read, Write } from './schema.ts'
import { includes } from './schema.ts'
import { Writer } from './writer.ts'

export { DecodeError, EncodeError }

/** A damaged message is not read a second time, to name the field, when it was longer than this. */
const againBytesMax = 64 * 1024

/** Reads `buffer` from `offset` to its end. @throws DecodeError */
export function decode<M extends Message>(
  message: M,
  version: number,
  buffer: Buffer,
  offset = 0,
): Decoded<M> {
  const reader = new Reader(buffer, offset)
  const value = decodeNext(reader, message, version)
  if (reader.at < reader.end) {
    const error = new DecodeError(`${reader.end - reader.at} bytes too many`)
    throw error.located(message.name, version)
  }
  return value
}

/** Reads one message and leaves `reader` behind it. @throws DecodeError */
export function decodeNext<M extends Message>(
  reader: Reader,
  message: M,
  version: number,
): Decoded<M> {
  const read = message.codecs.read[version] ?? makeRead(message, version)
  const start = reader.at
  try {
    return read(reader) as Decoded<M>
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const again = reader.at - start <= againBytesMax ? new Reader(reader.buffer, start) : undefined
    throw (again && firstError(again, message, version)) ?? error.located(message.name, version)
  }
}

/** @throws EncodeError */
export function encode<M extends Message>(
  message: M,
  version: number,
  value: Encodable<M>,
): Buffer[] {
  sharedWriter.begin()
  encodeInto(sharedWriter, message, version, value)
  return sharedWriter.finish()
}

/** As encode(), behind what `writer` already holds. */
export function encodeInto<M extends Message>(
  writer: Writer,
  message: M,
  version: number,
  value: Encodable<M>,
): void {
  const write = message.codecs.write[version] ?? makeWrite(message, version)
  try {
    write(writer, value)
  } catch (error) {
    throw locateEncodeError(error, message, version, value)
  }
}

// Encoding runs to its end without a break, so one writer serves all.
export const sharedWriter = new Writer()

function hasVersion({ versions }: Message, version: number): boolean {
  return Number.isInteger(version) && includes(versions, version)
}

function makeRead(message: Message, version: number): Read {
  if (!hasVersion(message, version)) {
    throw new DecodeError('there is no such version').located(message.name, version)
  }
  const read = canCompile
    ? compileRead(message, version)
    : (reader: Reader) => interpretRead(message, version, reader)
  message.codecs.read[version] = read
  return read
}

function makeWrite(message: Message, version: number): Write {
  if (!hasVersion(message, version)) {
    throw new EncodeError('there is no such version').located(message.name, version)
  }
  const write = canCompile
    ? compileWrite(message, version)
    : (writer: Writer, value: unknown) => interpretWrite(message, version, writer, value)
  message.codecs.write[version] = write
  return write
}

// The compiled codec does not keep track of where it is. The interpreter does, so it goes over the
// message once more: slow, and only for what is refused anyway.
function firstError(reader: Reader, message: Message, version: number): DecodeError | undefined {
  try {
    interpretRead(message, version, reader)
  } catch (error) {
    if (error instanceof DecodeError) return error.located(message.name, version)
  }
  return undefined
}

function locateEncodeError(
  error: unknown,
  message: Message,
  version: number,
  value: unknown,
): unknown {
  try {
    const writer = new Writer()
    interpretWrite(message, version, writer, value)
  } catch (located) {
    if (located instanceof EncodeError) return located.located(message.name, version)
  }
  return error instanceof EncodeError ? error.located(message.name, version) : error
}
