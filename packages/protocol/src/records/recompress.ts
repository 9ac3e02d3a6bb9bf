// recompressBatch: the same batch in another codec. The codec wraps the records as they are, so they are
// opened and wrapped again, and none of them is looked at.

import {
  attributeBits,
  type BatchHeader,
  batchCrc,
  batchField,
  batchHeaderBytes,
  batchLengthPrefixBytes,
  type Codec,
  codecs,
  writeInt32,
} from './batch.ts'
import { compress } from './compression.ts'
import { openRecords } from './record.ts'

/**
 * A new buffer with the batch `header` of `buffer` in `codec`, at `level` where the codec has levels. Throws
 * RecordsError when it does not open.
 */
export function recompressBatch(
  buffer: Buffer,
  header: BatchHeader,
  codec: Codec,
  level?: number,
): Buffer {
  const { bytes, start, end } = openRecords(buffer, header)
  const body = compress(codec, bytes.subarray(start, end), level)
  const batch = Buffer.allocUnsafe(batchHeaderBytes + body.length)
  buffer.copy(batch, 0, header.at, header.at + batchHeaderBytes)
  batch.set(body, batchHeaderBytes)
  const attributes = (header.attributes & ~attributeBits.codec) | codecs.indexOf(codec)
  batch.writeUInt16BE(attributes, batchField.attributes)
  writeInt32(batch, batchField.length, batch.length - batchLengthPrefixBytes)
  writeInt32(batch, batchField.crc, batchCrc(batch, 0))
  return batch
}
