// npm run bench -- NAME [OPTIONS]: each benchmark is a program of its own beside this file. Without a name it lists
// them. Figures of one run are compared with one another, never with another machine's.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [name, ...args] = process.argv.slice(2)
const folder = import.meta.dirname
// A file that is no benchmark says so in its first line.
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -3))

if (name && names.includes(name)) {
  const run = spawnSync(process.execPath, [join(folder, `${name}.ts`), ...args], {
    stdio: 'inherit',
  })
  process.exitCode = run.status ?? 1
} else {
  for (const each of names) {
    const about = /^\/\/ (.*)/.exec(readFileSync(join(folder, `${each}.ts`), 'utf8'))?.[1] ?? ''
    console.log(`npm run bench -- ${each.padEnd(14)} ${about}`)
  }
  if (name) process.exitCode = 1
}
