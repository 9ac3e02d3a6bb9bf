// npm run bench -- NAME [OPTIONS]: each benchmark is a program of its own beside this file. Without a name it lists
// them. Figures of one run are compared with one another, never with another machine's.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [name, ...args] = process.argv.slice(2)
const folder = import.meta.dirname
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -3))
  .filter((each) => !about(each).startsWith('Not a benchmark'))

if (name && names.includes(name)) {
  const run = spawnSync(process.execPath, [join(folder, `${name}.ts`), ...args], {
    stdio: 'inherit',
  })
  process.exitCode = run.status ?? 1
} else {
  for (const each of names) {
    console.log(`npm run bench -- ${each.padEnd(14)} ${about(each)}`)
  }
  if (name) process.exitCode = 1
}

/** The first line of a file says what it is. */
function about(benchmark: string): string {
  return /^\/\/ (.*)/.exec(readFileSync(join(folder, `${benchmark}.ts`), 'utf8'))?.[1] ?? ''
}
