// npm run chaos -- syscall-sweep [--operations append,roll] [--faults kill,EIO] [--jobs 2] [--reads]   at each call
//
// A process with real logs on the real disk does one operation: append, roll, truncate, compact and whatever else
// changes a log directory. It is traced once; then it is done again for each system call that it made on the data
// folder and that changes something there (--reads: for all), under strace:
//
//   kill      it is killed when it comes to that call. The call is not made: what is left is what the call before left,
//             and the kill after the last call is the run without a fault
//   EIO       the call is answered with that error, once. The process goes on
//   ENOSPC    likewise, for calls that need room
//
// After each run the logs are opened, read, written to, closed, dumped and opened again. Exit status 1 where anything
// that was acknowledged is not there, or anything else is.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { temporaryFolder } from '../sluice/command.ts'
import { operations } from './syscalls/operations.ts'
import { needStrace } from './syscalls/strace.ts'
import { sweep } from './syscalls/sweep.ts'
import type { Fault } from './syscalls/sweep-trace.ts'

const { values: options } = parseArgs({
  options: {
    operations: { type: 'string', default: Object.keys(operations).join() },
    faults: { type: 'string', default: 'kill,EIO,ENOSPC' },
    jobs: { type: 'string', default: '2' },
    reads: { type: 'boolean', default: false },
  },
})
const faults = options.faults.split(',') as Fault[]
console.log(`syscall-sweep: ${needStrace()}`)
using folder = temporaryFolder()
const columns = ['operation', 'calls', ...faults, 'refused', 'not reached', 'violations', 'seconds']
console.log(columns.map((column) => column.padEnd(14)).join(''))
const jobs = Number(options.jobs)
const violations: string[] = []
const notReached: string[] = []
for (const operation of options.operations.split(',')) {
  const beginMs = performance.now()
  const home = join(folder.path, operation.replace(' ', '-'))
  const result = await sweep({ operation, faults, home, jobs, reads: options.reads })
  violations.push(...result.violations)
  notReached.push(...result.notReached)
  const figures = [
    ...[operation, result.calls, ...faults.map((fault) => result.faults[fault]), result.refused],
    ...[result.notReached.length, result.violations.length],
    Math.round((performance.now() - beginMs) / 1000),
  ]
  console.log(figures.map((figure) => String(figure).padEnd(14)).join(''))
}
for (const place of notReached) console.log(`not reached: ${place}`)
for (const violation of violations) console.log(`VIOLATION ${violation}`)
process.exitCode = violations.length > 0 ? 1 : 0
