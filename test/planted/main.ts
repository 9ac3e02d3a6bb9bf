// npm run planted [-- NAME…]: proves that the tests would notice. Each *.patch beside this file plants one bug or
// removes one guard; it is applied to a copy of the tree, and the command it names must fail there.
//
//   Bug: acknowledge before append
//   Caught by: node test/sim/main.ts --seed 17
//   diff --git a/… b/…
//
// A patch that no longer applies fails the run: a guard that moved needs its patch moved.

import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const commandTimeoutMs = 180_000

interface Planted {
  name: string
  bug: string
  command: string
  file: string
}

function planted(): Planted[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((name) => {
      const file = join(import.meta.dirname, name)
      const text = readFileSync(file, 'utf8')
      const bug = /^Bug: (.+)$/m.exec(text)?.[1]
      const command = /^Caught by: (.+)$/m.exec(text)?.[1]
      if (!bug || !command) throw new Error(`${name}: needs the lines 'Bug:' and 'Caught by:'`)
      return { name: name.replace('.patch', ''), bug, command, file }
    })
}

/** The tree as git knows it (and what is new in it), with node_modules linked, our own packages to the copy. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'sluice-planted-'))
  const listed = run(root, 'git ls-files -co --exclude-standard').stdout
  for (const path of listed.split('\n').filter(Boolean)) {
    mkdirSync(join(copy, dirname(path)), { recursive: true })
    cpSync(join(root, path), join(copy, path))
  }
  const modules = join(copy, 'node_modules')
  mkdirSync(join(modules, '@sluice'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '@sluice' || name === 'sluice') continue
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  for (const home of ['packages', 'services']) {
    for (const name of readdirSync(join(copy, home))) {
      const link = name === 'sluice' ? join(modules, name) : join(modules, '@sluice', name)
      symlinkSync(join(copy, home, name), link)
    }
  }
  return copy
}

function run(folder: string, command: string) {
  const path = `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`
  return spawnSync('bash', ['-c', command], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
    timeout: commandTimeoutMs,
    maxBuffer: 1 << 28,
  })
}

/** What went wrong with the proof, or undefined when the bug was caught. */
function plant({ command, file }: Planted): string | undefined {
  const copy = copyTree()
  try {
    const applied = run(copy, `patch -p1 --fuzz=0 --forward < '${file}'`)
    if (applied.status !== 0) return `the patch no longer applies:\n${applied.stdout}`
    const result = run(copy, command)
    if (result.error) return `${command}: ${result.error.message}`
    return result.status === 0 ? `not caught by ${command}` : undefined
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

const wanted = process.argv.slice(2)
let passed = 0
let failed = 0
for (const each of planted()) {
  if (wanted.length > 0 && !wanted.includes(each.name)) continue
  const problem = plant(each)
  if (problem === undefined) passed++
  else failed++
  console.log(
    problem === undefined
      ? `caught  ${each.bug} (${each.command})`
      : `MISSED  ${each.bug}: ${problem}`,
  )
}
console.log(`planted: ${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
