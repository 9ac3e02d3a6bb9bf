// What the steps of a record batch cost: node test/bench/records.ts [seconds per line, default 0.3].
// A program to compare two states of the code on one machine, not a test.

import { readBatchHeader } from '../../packages/protocol/src/records/batch.ts'
import { compress, decompress } from '../../packages/protocol/src/records/compression.ts'
import { decodeRecords, encodeBatch } from '../../packages/protocol/src/records/record.ts'
import { validateBatches } from '../../packages/protocol/src/records/validate.ts'

const secondsPerLine = Number(process.argv[2] ?? 0.3)
const shapes = [
  { records: 1, valueBytes: 100 },
  { records: 1, valueBytes: 1024 },
  { records: 100, valueBytes: 100 },
  { records: 16, valueBytes: 1024 },
  { records: 1000, valueBytes: 1024 },
]
/** Enough distinct bytes that no branch or cache sees the same batch each time. */
const variants = 16

function measure(name: string, bytes: number, run: (index: number) => unknown): void {
  for (let index = 0; index < 200; index++) run(index)
  const start = process.hrtime.bigint()
  let runs = 0
  let elapsed = 0
  while (elapsed < secondsPerLine * 1e9) {
    for (let index = 0; index < 16; index++) run(runs++)
    elapsed = Number(process.hrtime.bigint() - start)
  }
  const each = elapsed / runs
  const rate = ((bytes / each) * 1000).toFixed(0)
  const time = each < 10_000 ? `${each.toFixed(0)} ns` : `${(each / 1000).toFixed(1)} us`
  console.log(`${name.padEnd(24)}${time.padStart(10)}${rate.padStart(8)} MB/s`)
}

for (const { records: count, valueBytes } of shapes) {
  const inputs = Array.from({ length: variants }, (_, variant) =>
    Array.from({ length: count }, (_, index) => ({
      timestamp: 1_700_000_000_000 + index,
      key: Buffer.from(`key-${variant}-${index}`),
      value: Buffer.alloc(
        valueBytes,
        `{"variant":${variant},"index":${index},"text":"some words"}`,
      ),
    })),
  )
  const batches = inputs.map((records) => encodeBatch({ records }))
  const bytes = batches[0].length
  const options = { maxBatchBytes: 2 ** 30 }
  console.log(`\n${count} x ${valueBytes} B (batch of ${bytes} B)`)
  measure('readBatchHeader', 61, (index) => readBatchHeader(batches[index % variants], 0))
  measure('validate', bytes, (index) => validateBatches(batches[index % variants], options))
  measure('decodeRecords', bytes, (index) => decodeRecords(batches[index % variants], 0))
  measure('encodeBatch', bytes, (index) => encodeBatch({ records: inputs[index % variants] }))
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const packed = batches.map((batch) => compress(codec, batch))
    measure(`compress ${codec}`, bytes, (index) => compress(codec, batches[index % variants]))
    measure(`decompress ${codec}`, bytes, (index) =>
      decompress(codec, packed[index % variants], 2 ** 30),
    )
  }
}
