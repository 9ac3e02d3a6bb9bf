// The folders of a disk in memory, as they stand and as a power loss would leave them.
//
// Each change of an entry (link, unlink, rename) shows at once and is pending until its folder is
// flushed. At a power loss each folder keeps a prefix of its pending changes, drawn by the caller, as
// a journaling file system would.

import { assert } from '../../lib/assert.ts'
import type { FileContent } from './file-content.ts'

export interface File {
  readonly kind: 'file'
  content: FileContent
  /** What a power loss is sure to leave; kept by simulated disks only. */
  durable: FileContent
  /** Counts the changes of the content. */
  version: number
  /** As in DiskStat. */
  modified: number
  durableVersion: number
  flushFailed: boolean
}

export interface Folder {
  readonly kind: 'folder'
  entries: Map<string, File | Folder>
  durable: Map<string, File | Folder>
  /** As in DiskStat. */
  modified: number
}

interface Change {
  readonly folders: readonly Folder[]
  readonly apply: () => void
}

export class FolderTree {
  readonly root: Folder = newFolder()
  readonly #recordsChanges: boolean
  #pending: Change[] = []
  #modifications = 0

  /** `recordsChanges` false: nothing is pending ever, and there is no power loss. */
  constructor(options: { recordsChanges: boolean }) {
    this.#recordsChanges = options.recordsChanges
  }

  find(path: string): File | Folder | undefined {
    let node: File | Folder | undefined = this.root
    for (const name of namesOf(path)) {
      if (node?.kind !== 'folder') return undefined
      node = node.entries.get(name)
    }
    return node
  }

  /** The folder that holds `path` and the last name; undefined when there is no such folder. */
  locate(path: string): { folder: Folder; name: string } | undefined {
    const names = namesOf(path)
    const name = names.pop()
    if (name === undefined) return undefined
    const folder = this.find(names.join('/'))
    return folder?.kind === 'folder' ? { folder, name } : undefined
  }

  /** The folder at `path`, made with its parents where missing; undefined when a file is in the way. */
  makeFolder(path: string): Folder | undefined {
    let folder = this.root
    for (const name of namesOf(path)) {
      let next = folder.entries.get(name)
      if (next?.kind === 'file') return undefined
      if (next === undefined) {
        next = newFolder()
        this.link(folder, name, next)
      }
      folder = next
    }
    return folder
  }

  modified(node: File | Folder): void {
    node.modified = ++this.#modifications
  }

  link(folder: Folder, name: string, node: File | Folder): void {
    folder.entries.set(name, node)
    this.modified(node)
    this.modified(folder)
    this.#record([folder], () => folder.durable.set(name, node))
  }

  unlink(folder: Folder, name: string): void {
    folder.entries.delete(name)
    this.modified(folder)
    this.#record([folder], () => folder.durable.delete(name))
  }

  rename(from: { folder: Folder; name: string }, to: { folder: Folder; name: string }): void {
    const node = from.folder.entries.get(from.name)
    assert(node !== undefined, 'what is renamed is there')
    from.folder.entries.delete(from.name)
    to.folder.entries.set(to.name, node)
    this.modified(from.folder)
    this.modified(to.folder)
    this.#record([from.folder, to.folder], () => {
      from.folder.durable.delete(from.name)
      to.folder.durable.set(to.name, node)
    })
  }

  /** Makes the changes of `folder` durable, and those they cannot do without (renames between folders). */
  flush(folder: Folder): void {
    const involved = new Set([folder])
    const flushed = new Set<Change>()
    for (const change of this.#pending.toReversed()) {
      if (!change.folders.some((one) => involved.has(one))) continue
      for (const one of change.folders) involved.add(one)
      flushed.add(change)
    }
    for (const change of this.#pending) if (flushed.has(change)) change.apply()
    this.#pending = this.#pending.filter((change) => !flushed.has(change))
  }

  /** Power loss: `keep()` draws whether a folder's next pending change made it to the platter. */
  losePending(keep: () => boolean): void {
    const cut = new Set<Folder>()
    for (const change of this.#pending) {
      const lost = change.folders.some((folder) => cut.has(folder)) || !keep()
      if (lost) for (const folder of change.folders) cut.add(folder)
      else change.apply()
    }
    this.#pending = []
    restore(this.root)
  }

  *files(folder: Folder = this.root): Generator<File> {
    for (const node of folder.entries.values()) {
      if (node.kind === 'file') yield node
      else yield* this.files(node)
    }
  }

  /** Path and file of all there is, or of what a power loss is sure to leave. */
  *paths(
    view: 'entries' | 'durable',
    folder: Folder = this.root,
    path = '',
  ): Generator<[string, File]> {
    for (const [name, node] of folder[view]) {
      if (node.kind === 'file') yield [`${path}${name}`, node]
      else yield* this.paths(view, node, `${path}${name}/`)
    }
  }

  #record(folders: readonly Folder[], apply: () => void): void {
    if (this.#recordsChanges) this.#pending.push({ folders, apply })
  }
}

function restore(folder: Folder): void {
  folder.entries = new Map(folder.durable)
  for (const node of folder.entries.values()) if (node.kind === 'folder') restore(node)
}

function newFolder(): Folder {
  return { kind: 'folder', entries: new Map(), durable: new Map(), modified: 0 }
}

function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  assert(!names.includes('..'), `a path without ..: ${path}`)
  return names
}
