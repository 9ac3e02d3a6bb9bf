// Names in a data folder, Kafka's.
//
//   <topic>-<partition>/                     one log
//     00000000000000000042.log               a segment, named by its base offset
//     00000000000000000042.index .timeindex  its indexes
//     00000000000000000042.snapshot .dedup   producers as of offset 42
//     leader-epoch-checkpoint  partition.metadata
//   <topic>-<partition>.<32 hex>-delete/     a log being deleted
//   <topic>-<partition>.<32 hex>-future/     a copy that is to take the log's place, in another data folder
//   <topic>-<partition>.<32 hex>-stray/      a log that nobody knows, kept for its owner to look at

/** Longest file name that common file systems take. */
const nameBytesMax = 255
const deletedSuffix = '-delete'
const straySuffix = '-stray'
const futureSuffix = '-future'

export type SegmentFileKind = 'log' | 'index' | 'timeindex' | 'snapshot' | 'dedup' | 'txnindex'

export interface SegmentFileName {
  readonly kind: SegmentFileKind
  readonly offset: number
}

/** `00000000000000000042.log`. */
export function segmentFileName(offset: number, kind: SegmentFileKind): string {
  return `${String(offset).padStart(20, '0')}.${kind}`
}

export function parseSegmentFileName(name: string): SegmentFileName | undefined {
  const match = /^(\d{20})\.(log|index|timeindex|snapshot|dedup|txnindex)$/.exec(name)
  if (match === null) return undefined
  const offset = Number(match[1])
  if (!Number.isSafeInteger(offset)) return undefined
  return { kind: match[2] as SegmentFileKind, offset }
}

/** Files that only an interrupted operation leaves behind (Kafka's deletion and cleaning included). */
export function isLeftover(name: string): boolean {
  return /\.(deleted|cleaned|tmp)$/.test(name)
}

export function partitionFolderName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

export function parsePartitionFolderName(
  name: string,
): { topic: string; partition: number } | undefined {
  const match = /^(.+)-(0|[1-9]\d*)$/.exec(name)
  return match === null ? undefined : { topic: match[1], partition: Number(match[2]) }
}

/** Under this name a log is removed; `unique` tells apart logs of one topic deleted again and again. */
export function deletedFolderName(topic: string, partition: number, unique: string): string {
  return renamedFolderName(topic, `-${partition}.${unique}${deletedSuffix}`)
}

/** Under this name a log is kept, and not looked at any more. */
export function strayFolderName(topic: string, partition: number, unique: string): string {
  return renamedFolderName(topic, `-${partition}.${unique}${straySuffix}`)
}

/**
 * Under this name a log is copied (KIP-113). It must be found again by its topic: where the name is too long
 * for that there is none.
 */
export function futureFolderName(
  topic: string,
  partition: number,
  unique: string,
): string | undefined {
  const name = `${topic}-${partition}.${unique}${futureSuffix}`
  return name.length <= nameBytesMax ? name : undefined
}

export function parseFutureFolderName(
  name: string,
): { topic: string; partition: number } | undefined {
  const match = /^(.+)\.[0-9a-f]{32}-future$/.exec(name)
  return match === null ? undefined : parsePartitionFolderName(match[1])
}

function renamedFolderName(topic: string, suffix: string): string {
  return topic.slice(0, nameBytesMax - suffix.length) + suffix
}

export function isDeletedFolderName(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name)
}
