// A fault at system calls of a log, on the real disk: a kill, EIO and ENOSPC at every fifth of what append, roll,
// truncate and compact do to their folder. All of them, and the other operations: npm run chaos -- syscall-sweep.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { needStrace } from '../chaos/syscalls/strace.ts'
import { sweep } from '../chaos/syscalls/sweep.ts'
import { temporaryFolder } from '../sluice/command.ts'

const every = 5

test.each(['append', 'roll', 'truncate', 'compact'])(
  '%s: a fault at a system call loses nothing that was acknowledged',
  { timeout: 300_000 },
  async (operation) => {
    needStrace()
    using folder = temporaryFolder()
    const home = join(folder.path, 'sweep')
    const result = await sweep({
      operation,
      faults: ['kill', 'EIO', 'ENOSPC'],
      home,
      jobs: 2,
      every,
    })
    const { calls, faults } = result
    expect(result.violations).toEqual([])
    expect(calls).toBeGreaterThan(5)
    for (const count of Object.values(faults)) expect(count).toBeGreaterThan(0)
    console.log(`${operation}: ${JSON.stringify(faults)} of ${calls} calls`)
  },
)
