// What a power loss makes of a file: bytes that were flushed stay; of the others each sector, and the
// length, may be the flushed or the written one. Sectors of which neither is there read as zeros.
//
//   flushed   AAAAAAAAAAAA
//   written   AAAAAAAAAAAABBBBCCCCDDDD
//   left      AAAAAAAAAAAABBBB0000DD       (for instance)

import { FileContent } from './file-content.ts'
import type { SeededRandom } from './random.ts'

const sectorBytes = 512

type Outcome = 'all lost' | 'all kept' | 'cut short' | 'torn'

export function contentAfterPowerLoss(
  durable: FileContent,
  written: FileContent,
  random: SeededRandom,
): FileContent {
  switch (random.pick<Outcome>(['all lost', 'all kept', 'cut short', 'torn'])) {
    case 'all lost':
      return durable.snapshot()
    case 'all kept':
      return written.snapshot()
    case 'cut short':
      return cutShort(durable, written, random)
    case 'torn':
      return torn(durable, written, random)
  }
}

function cutShort(durable: FileContent, written: FileContent, random: SeededRandom): FileContent {
  const floor = Math.min(durable.sizeBytes, written.sizeBytes)
  const left = written.snapshot()
  left.truncate(floor + random.integer(written.sizeBytes - floor + 1))
  return left
}

function torn(durable: FileContent, written: FileContent, random: SeededRandom): FileContent {
  const least = Math.min(durable.sizeBytes, written.sizeBytes)
  const most = Math.max(durable.sizeBytes, written.sizeBytes)
  const sizeBytes = least + random.integer(most - least + 1)
  const left = new FileContent()
  for (let at = 0; at < sizeBytes; at += sectorBytes) {
    const sector = Buffer.alloc(Math.min(sectorBytes, sizeBytes - at))
    const source = random.chance(0.5) ? durable : written
    source.read(sector, at)
    left.append(sector)
  }
  return left
}
