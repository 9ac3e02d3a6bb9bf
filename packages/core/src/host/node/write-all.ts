// Writes a list of buffers at a position, whole or with an error, in system calls of bounded size: beyond
// 512 KiB a call costs several times as much a byte (measured: architecture, the hot path), and one call
// takes 1024 buffers at most (IOV_MAX).

import { writeSync, writev, writevSync } from 'node:fs'
import { promisify } from 'node:util'
import { assert } from '../../lib/assert.ts'

const callBytesMax = 512 * 1024
const callBuffersMax = 1024

const writevPooled = promisify(writev)

export function bytesOf(buffers: readonly Uint8Array[]): number {
  let bytes = 0
  for (const buffer of buffers) bytes += buffer.length
  return bytes
}

export function writeAllSync(fd: number, buffers: readonly Uint8Array[], position: number): void {
  const calls = new Calls(buffers)
  for (let at = position; ; ) {
    const group = calls.next()
    if (group.length === 0) return
    const written =
      group.length === 1
        ? writeSync(fd, group[0], 0, group[0].length, at)
        : writevSync(fd, group, at)
    calls.advance(written)
    at += written
  }
}

/** As writeAllSync, on the thread pool. */
export async function writeAll(
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  const calls = new Calls(buffers)
  for (let at = position; ; ) {
    const group = calls.next()
    if (group.length === 0) return
    const { bytesWritten } = await writevPooled(fd, group, at)
    calls.advance(bytesWritten)
    at += bytesWritten
  }
}

/** Cuts the buffers into calls; goes on behind what a call really wrote. */
class Calls {
  readonly #buffers: readonly Uint8Array[]
  #index = 0
  /** Bytes of the buffer at the index that are written. */
  #offset = 0

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers
  }

  /** The buffers of the next call; none at the end. */
  next(): Uint8Array[] {
    const group: Uint8Array[] = []
    let room = callBytesMax
    let offset = this.#offset
    for (let index = this.#index; index < this.#buffers.length && room > 0; index++) {
      const buffer = this.#buffers[index]
      const length = Math.min(buffer.length - offset, room)
      if (length > 0) group.push(length === buffer.length ? buffer : slice(buffer, offset, length))
      if (group.length === callBuffersMax) break
      room -= length
      offset = 0
    }
    return group
  }

  advance(written: number): void {
    assert(written > 0, 'a write that succeeds writes something')
    let rest = written
    while (rest > 0) {
      const left = this.#buffers[this.#index].length - this.#offset
      if (rest < left) {
        this.#offset += rest
        return
      }
      rest -= left
      this.#index += 1
      this.#offset = 0
    }
  }
}

function slice(buffer: Uint8Array, offset: number, length: number): Uint8Array {
  return buffer.subarray(offset, offset + length)
}
