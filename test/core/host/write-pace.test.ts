import { WritePace } from '@sluice/core/host/write-pace'
import { describe, expect, test } from 'vitest'

class Disk {
  nowMs = 0
  readonly pace = new WritePace({ now: () => this.nowMs })

  /** A write from the loop that takes so long. */
  write(ms: number): boolean {
    this.pace.now(() => {
      this.nowMs += ms
    })
    return this.pace.slow
  }

  /** A write on the pool; it ends when the function is called. */
  begin(): () => Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const ended = this.pace.later(() => promise)
    return async () => {
      resolve()
      await ended
      return this.pace.slow
    }
  }
}

describe('the pace of a disk', () => {
  test('is slow from the first write that took long until none did for a second', async () => {
    const disk = new Disk()
    expect([disk.write(1), disk.write(50), disk.write(51)]).toEqual([false, false, true])
    for (const waitMs of [1, 500, 498]) {
      disk.nowMs += waitMs
      expect(await disk.begin()()).toBe(true)
    }
    disk.nowMs += 1
    expect(await disk.begin()()).toBe(false)
    expect(disk.write(1)).toBe(false)
  })

  test('is slow for as long as a write on the pool is stuck, whatever others do', async () => {
    const disk = new Disk()
    disk.write(200)
    const stuck = disk.begin()
    for (let i = 0; i < 5; i++) {
      disk.nowMs += 1000
      expect(await disk.begin()()).toBe(true)
    }
    expect(await stuck()).toBe(true)
    disk.nowMs += 999
    expect(await disk.begin()()).toBe(true)
    disk.nowMs += 1
    expect(await disk.begin()()).toBe(false)
  })

  test('is not told by a write that waited for a flush on the pool', async () => {
    const disk = new Disk()
    const waited = disk.begin()
    disk.nowMs += 400
    expect(await waited()).toBe(false)
  })

  test('is told by a write that failed, too', () => {
    const disk = new Disk()
    const fail = () => {
      disk.nowMs += 5000
      throw new Error('EIO')
    }
    expect(() => disk.pace.now(fail)).toThrow('EIO')
    expect(disk.pace.slow).toBe(true)
  })
})
