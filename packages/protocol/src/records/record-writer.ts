// Writes one record of a batch, see record-cursor.ts for its picture, and says beforehand how many bytes
// it can take: a producer fills batches by that bound and never has to encode twice.

export interface RecordInput {
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

/** Length 5, attributes 1, timestamp delta 10, offset delta 5, key and value length 5 each, count 5. */
const recordOverheadBytesMax = 36
const headerOverheadBytesMax = 10
/** Below this many bytes a loop beats the call of TypedArray.set. */
const shortBytesMax = 16

/** The most bytes that `record` takes in a batch. */
export function recordBytesMax(record: RecordInput): number {
  let bytes = recordOverheadBytesMax
  if (record.key !== null) bytes += record.key.length
  if (record.value !== null) bytes += record.value.length
  if (record.headers === undefined) return bytes
  for (const header of record.headers) {
    bytes += headerOverheadBytesMax + Buffer.byteLength(header.key)
    if (header.value !== null) bytes += header.value.length
  }
  return bytes
}

/** Writes the record at `at` and returns where it ends. The buffer has recordBytesMax bytes left. */
export function writeRecord(
  buffer: Buffer,
  at: number,
  record: RecordInput,
  offsetDelta: number,
  baseTimestamp: number,
): number {
  const timestampDelta = record.timestamp - baseTimestamp
  let end = writeVarint(buffer, at, bodyBytes(record, offsetDelta, timestampDelta))
  buffer[end++] = 0
  end = writeVarlong(buffer, end, timestampDelta)
  end = writeVarint(buffer, end, offsetDelta)
  end = writeBytes(buffer, end, record.key)
  end = writeBytes(buffer, end, record.value)
  const headers = record.headers
  if (headers === undefined) {
    buffer[end++] = 0
    return end
  }
  end = writeVarint(buffer, end, headers.length)
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key)
    end = writeVarint(buffer, end, keyBytes)
    end += buffer.write(header.key, end, keyBytes, 'utf8')
    end = writeBytes(buffer, end, header.value)
  }
  return end
}

function bodyBytes(record: RecordInput, offsetDelta: number, timestampDelta: number): number {
  let bytes = 1 + varlongBytes(timestampDelta) + varlongBytes(offsetDelta)
  bytes += fieldBytes(record.key) + fieldBytes(record.value)
  const headers = record.headers
  if (headers === undefined) return bytes + 1
  bytes += varlongBytes(headers.length)
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key)
    bytes += varlongBytes(keyBytes) + keyBytes + fieldBytes(header.value)
  }
  return bytes
}

function fieldBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varlongBytes(bytes.length) + bytes.length
}

function writeBytes(buffer: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) {
    buffer[at] = 1 // -1, zigzag
    return at + 1
  }
  const start = writeVarint(buffer, at, bytes.length)
  if (bytes.length > shortBytesMax) buffer.set(bytes, start)
  else for (let index = 0; index < bytes.length; index++) buffer[start + index] = bytes[index]
  return start + bytes.length
}

/** Bytes of a zigzag-coded number. */
function varlongBytes(value: number): number {
  let raw = value < 0 ? -2 * value - 1 : 2 * value
  let bytes = 1
  for (; raw >= 128; raw = Math.floor(raw / 128)) bytes++
  return bytes
}

export function writeVarint(buffer: Uint8Array, at: number, value: number): number {
  let raw = (value << 1) ^ (value >> 31)
  let end = at
  for (; (raw & ~0x7f) !== 0; raw >>>= 7) buffer[end++] = (raw & 0x7f) | 0x80
  buffer[end++] = raw
  return end
}

export function writeVarlong(buffer: Uint8Array, at: number, value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return writeVarint(buffer, at, value)
  let raw = value < 0 ? -2 * value - 1 : 2 * value
  let end = at
  for (; raw >= 128; raw = Math.floor(raw / 128)) buffer[end++] = (raw % 128) | 0x80
  buffer[end++] = raw
  return end
}
