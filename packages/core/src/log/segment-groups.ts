// Which neighbouring segments the log cleaner makes one segment of, so that what is left of many small ones
// does not stay many. Pure. Sizes are those before cleaning, so a group fits whatever stays of it.
//
//   | 0 | 1 | 2 |   3   | 4 | 5 |        segments
//   |     A     |     B     | C |        groups, each of segment.bytes at most

import { relativeOffsetMax } from './offset-index.ts'

export interface GroupedSegment {
  readonly baseOffset: number
  /** Where the next one begins. */
  readonly endOffset: number
  readonly sizeBytes: number
  readonly offsetIndexBytes: number
  readonly timeIndexBytes: number
}

export interface GroupLimits {
  readonly segmentBytes: number
  readonly indexMaxBytes: number
}

export function segmentGroups<S extends GroupedSegment>(
  segments: readonly S[],
  limits: GroupLimits,
): S[][] {
  const groups: S[][] = []
  let room = { bytes: 0, offsetIndex: 0, timeIndex: 0 }
  for (const segment of segments) {
    const group = groups.at(-1)
    const fits =
      group !== undefined &&
      segment.sizeBytes <= room.bytes &&
      segment.offsetIndexBytes <= room.offsetIndex &&
      segment.timeIndexBytes <= room.timeIndex &&
      segment.endOffset - 1 - group[0].baseOffset <= relativeOffsetMax
    if (fits) group.push(segment)
    else {
      groups.push([segment])
      const { segmentBytes, indexMaxBytes } = limits
      room = { bytes: segmentBytes, offsetIndex: indexMaxBytes, timeIndex: indexMaxBytes }
    }
    room.bytes -= segment.sizeBytes
    room.offsetIndex -= segment.offsetIndexBytes
    room.timeIndex -= segment.timeIndexBytes
  }
  return groups
}
