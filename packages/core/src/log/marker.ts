// What a control batch says: the one record in it is the mark that ends a transaction.

import type { BatchHeader } from '@sluice/protocol/records/batch'
import { type ControlType, controlType } from '@sluice/protocol/records/control'
import { RecordWalk } from '@sluice/protocol/records/record-walk'

/** Undefined where it is no control batch, or one whose record was cleaned away. */
export function markerOf(buffer: Buffer, header: BatchHeader): ControlType | undefined {
  if (!header.control || header.recordCount === 0) return undefined
  const walk = new RecordWalk(buffer, header)
  walk.next()
  if (walk.keyBytes < 0) return 'unknown'
  return controlType(walk.bytes.subarray(walk.keyAt, walk.keyAt + walk.keyBytes))
}
