// npm run chaos -- SCENARIO [OPTIONS]: real broker processes under load and trouble, as long as they are told. Each
// scenario is a program of its own beside this file that begins with its line of help; without a name all are listed.

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = import.meta.dirname
const helpOf = (name: string) =>
  /^\/\/ npm run chaos -- (.*)/.exec(readFileSync(join(folder, `${name}.ts`), 'utf8'))?.[1]

const scenarios = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -3))
  .filter((name) => helpOf(name) !== undefined)

const [name, ...args] = process.argv.slice(2)
if (name && scenarios.includes(name)) {
  const child = spawn(process.execPath, [join(folder, `${name}.ts`), ...args], { stdio: 'inherit' })
  // Ctrl-C reaches both: the scenario ends in good order and says what it found.
  process.on('SIGINT', () => {})
  child.on('close', (code) => {
    process.exitCode = code ?? 1
  })
} else {
  for (const each of scenarios) console.log(`npm run chaos -- ${helpOf(each)}`)
  if (name) process.exitCode = 1
}
