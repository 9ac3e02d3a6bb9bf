// The `sluice` command: runs the command line and ends with its exit status.
//
//   0  done        1  it failed (one line says why, and what helps)        2  wrong usage

import { program } from './command-line.ts'
import { isFailure, reportFailure } from './failure.ts'

/** Ends output quietly when its reader has gone (`sluice consume … | head`). */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

try {
  await program().parseAsync(process.argv)
} catch (error) {
  if (!isFailure(error)) throw error
  reportFailure(error)
}
