// Disk: files and folders. Paths are absolute, or relative to where the implementation is rooted.
//
// Two kinds of call, never mixed on one file at once:
//   synchronous   append, readSync, openSync: from the event loop, for the log's hot path; readSmallSync,
//                 listSmallSync and statSync, for what is found beside each of very many logs at a start
//   asynchronous  appendLater, flush, read, truncate, rename, unlink, list: on the thread pool (so many at a
//                 time at most, in all and with the files of one disk)
//
// What was appended is in the page cache: it survives a kill of the process, and a power loss only
// after flush() resolved. A folder entry (create, rename, unlink) survives power loss after
// flushFolder(). The simulated disk loses and tears exactly the rest.
//
// A flush that failed is never repeated (the kernel may have dropped the dirty pages): the owner of
// the file must treat everything since the last good flush as unknown and stop.

export interface Disk {
  /**
   * Opens `path` for reading and appending; creates it if `create` (default false). Synchronous: used
   * when a segment rolls. Throws DiskError ('not-found' when it is not there and not created).
   */
  openSync(path: string, options?: { create?: boolean }): DiskFile
  /** The whole file. Rejects with DiskError 'not-found'. */
  readFile(path: string): Promise<Buffer>
  /**
   * As readFile, at once: a thread of the pool costs many times what reading a small file does. Undefined for
   * a file of more than `smallFileBytesMax`, and while the disk has to be waited for. Whoever reads very many
   * lets the loop go on in between.
   */
  readSmallSync(path: string): Buffer | undefined
  /**
   * Replaces `path` atomically and durably: temporary file, flush, rename, flush of the folder. Calls
   * for one path are done in turn.
   */
  replaceFile(path: string, content: Uint8Array): Promise<void>
  /** Names (not paths) in a folder, sorted; a missing folder is empty. */
  list(path: string): Promise<DiskEntry[]>
  /** As list, at once; undefined for a folder of more than `smallFolderEntriesMax`, and as readSmallSync. */
  listSmallSync(path: string): DiskEntry[] | undefined
  /** Of a file or folder; undefined where there is none. */
  statSync(path: string): DiskStat | undefined
  /** Creates a folder and its parents; existing ones are fine. */
  makeFolder(path: string): Promise<void>
  /** Renames a file or folder; replaces a file that is there. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; a missing one is fine. */
  unlink(path: string): Promise<void>
  /** Removes a folder and all in it; a missing one is fine. */
  removeFolder(path: string): Promise<void>
  /** Makes the folder's entries durable. */
  flushFolder(path: string): Promise<void>
  /** Of the volume that holds `path`. */
  volume(path: string): Promise<Volume>
}

export const smallFileBytesMax = 64 * 1024
export const smallFolderEntriesMax = 64

export interface Volume {
  readonly totalBytes: number
  /** Free, and for us to use. */
  readonly usableBytes: number
}

export interface DiskEntry {
  readonly name: string
  readonly folder: boolean
  /** 0 for a folder. */
  readonly sizeBytes: number
}

export interface DiskStat {
  /** 0 for a folder. */
  readonly sizeBytes: number
  /** Another number after a file was written to, or after names in a folder came, went or were replaced. */
  readonly modified: number
}

export interface DiskFile {
  readonly path: string
  /** Bytes in the file, appends included. */
  readonly sizeBytes: number
  /**
   * Appends the buffers in order, whole or not at all as far as `sizeBytes` tells: after a thrown error
   * sizeBytes is unchanged and the file was cut back to it. Synchronous and done when it returns
   * undefined. While flush() is under way, or the disk is slow (write-pace.ts), it goes through the thread
   * pool, in order, and the returned promise settles when it is done: the caller must not reuse the buffers
   * before. When it fails, the appends that wait behind it fail with it.
   * @throws DiskError 'no-space' | 'io'
   */
  append(buffers: readonly Uint8Array[]): undefined | Promise<void>
  /** As append, on the thread pool, in the order of calls: for who has time. */
  appendLater(buffers: readonly Uint8Array[]): Promise<void>
  /** Fills `target` from `position`; returns the bytes read (fewer at the end). Page cache expected. */
  readSync(target: Uint8Array, position: number): number
  /** As readSync, on the thread pool. */
  read(target: Uint8Array, position: number): Promise<number>
  /** Overwrites bytes at `position` <= sizeBytes, synchronously. For preallocated index entries; rare. */
  writeSync(content: Uint8Array, position: number): void
  /** Makes the content durable (fdatasync). Rejects with DiskError 'io'; see above. */
  flush(): Promise<void>
  /** Cuts the file to `sizeBytes`, asynchronously; nothing else may run on the file meanwhile. */
  truncate(sizeBytes: number): Promise<void>
  /** Closes; idempotent. Pending reads finish first. */
  close(): Promise<void>
}

/** 'damaged': the disk gave what it has, and that is not what was written. Thrown by who reads, not by a disk. */
export type DiskErrorKind = 'not-found' | 'no-space' | 'io' | 'closed' | 'damaged'

export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly kind: DiskErrorKind
  readonly operation: string
  readonly path: string

  constructor(kind: DiskErrorKind, operation: string, path: string, cause?: unknown) {
    super(`${operation} ${path}: ${kind}`, { cause })
    this.kind = kind
    this.operation = operation
    this.path = path
  }
}
