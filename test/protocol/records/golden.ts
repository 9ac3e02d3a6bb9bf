// Batches as other implementations write them, in hexadecimal with a gap between the fields.

function bytes(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex')
}

// One record "123" without key, written by Kafka 0.11's Java producer through a broker (leader epoch 1).
export const oneRecord = bytes(`
  0000000000000000 0000003b 00000001 02 0318a270 0000 00000000
  0000015dff7b063c 0000015dff7b063c ffffffffffffffff ffff ffffffff 00000001
  12 00 00 00 01 06 313233 00
`)

// Two records with empty values at offset 1, the second 168 ms later (leader epoch 2).
export const twoRecords = bytes(`
  0000000000000001 00000040 00000002 02 c85cbd23 0000 00000001
  0000015dff7cdd6c 0000015dff7cde14 ffffffffffffffff ffff ffffffff 00000002
  0c 00 00 00 01 00 00
  0e 00 d002 02 01 00 00
`)
