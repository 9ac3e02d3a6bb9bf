// npm run planted [-- NAME…] [--minutes N]: proves that the tests would notice. Each *.patch beside this file
// plants one bug or removes one guard; it is applied to a copy of the tree, and the commands it names must fail
// there, and for the reason it says: each must print the line that follows it.
//
//   Bug: acknowledge before append
//   Caught by: node test/sim/main.ts --seeds 16
//   Saying: acknowledged p
//   Caught by: vitest run test/broker/failures.test.ts -t 'a full disk refuses appends'
//   Saying: a full disk refuses appends
//   diff --git a/… b/…
//
// A patch that no longer applies fails the run: a guard that moved needs its patch moved. With --minutes all are
// tried on, and as many as fit are run, beginning anywhere, so that each has its turn sooner or later. Seeds come in
// numbers, since any change to the product gives a seed another story; the run says which one noticed.

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
import { parseArgs } from 'node:util'

const root = resolve(import.meta.dirname, '../..')
const commandTimeoutMs = 180_000

interface Planted {
  name: string
  bug: string
  proofs: Proof[]
  file: string
}

interface Proof {
  command: string
  /** What the command prints when it fails for the right reason. */
  saying: string
}

function planted(): Planted[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((name) => {
      const file = join(import.meta.dirname, name)
      const text = readFileSync(file, 'utf8')
      const bug = /^Bug: (.+)$/m.exec(text)?.[1]
      const proofs = [...text.matchAll(/^Caught by: (.+)\nSaying: (.+)$/gm)]
      if (!bug || proofs.length === 0) {
        throw new Error(`${name}: needs the lines 'Bug:', 'Caught by:' and 'Saying:'`)
      }
      return {
        name: name.replace('.patch', ''),
        bug,
        proofs: proofs.map(([, command, saying]) => ({ command, saying })),
        file,
      }
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
    env: { ...process.env, PATH: path, NO_COLOR: '1' },
    encoding: 'utf8',
    timeout: commandTimeoutMs,
    maxBuffer: 1 << 28,
  })
}

type Verdict = { caught: true; by: string[] } | { caught: false; why: string }

const missed = (why: string): Verdict => ({ caught: false, why })

function apply(copy: string, file: string, options = ''): Verdict | undefined {
  const applied = run(copy, `patch -p1 --fuzz=0 --forward ${options} < '${file}'`)
  if (applied.status === 0) return undefined
  return missed(`the patch no longer applies:\n${applied.stdout}`)
}

function plant({ proofs, file }: Planted): Verdict {
  const copy = copyTree()
  const by: string[] = []
  try {
    const misfit = apply(copy, file)
    if (misfit) return misfit
    for (const { command, saying } of proofs) {
      const { status, stdout, stderr, error } = run(copy, command)
      if (error) return missed(`${command}: ${error.message}`)
      if (status === 0) return missed(`not caught by ${command}`)
      const said = `${stdout}${stderr}`
      if (!said.includes(saying)) return missed(`${command} fails for another reason:\n${said}`)
      const seeds = [...said.matchAll(/^seed (\d+) FAILED$/gm)].map(([, seed]) => seed)
      by.push(seeds.length > 0 ? `${command} (seeds ${seeds.join(' ')})` : command)
    }
    return { caught: true, by }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** Those whose patch does not apply, found without running anything. */
function misfits(all: readonly Planted[]): Map<Planted, Verdict> {
  const copy = copyTree()
  const found = new Map<Planted, Verdict>()
  for (const each of all) {
    const misfit = apply(copy, each.file, '--dry-run')
    if (misfit) found.set(each, misfit)
  }
  rmSync(copy, { recursive: true, force: true })
  return found
}

function report({ bug }: Planted, verdict: Verdict): void {
  if (!verdict.caught) console.log(`MISSED  ${bug}: ${verdict.why}`)
  else for (const by of verdict.by) console.log(`caught  ${bug}: ${by}`)
}

const { values: options, positionals: names } = parseArgs({
  options: { minutes: { type: 'string' } },
  allowPositionals: true,
})
const endMs =
  options.minutes === undefined
    ? Number.POSITIVE_INFINITY
    : performance.now() + Number(options.minutes) * 60_000
const wanted = planted().filter(({ name }) => names.length === 0 || names.includes(name))
const first = options.minutes === undefined ? 0 : Math.floor(Math.random() * wanted.length)
const verdicts = misfits(wanted)
for (const [each, verdict] of verdicts) report(each, verdict)
for (const each of [...wanted.slice(first), ...wanted.slice(0, first)]) {
  if (verdicts.has(each) || performance.now() >= endMs) continue
  const verdict = plant(each)
  report(each, verdict)
  verdicts.set(each, verdict)
}
const failed = [...verdicts.values()].filter(({ caught }) => !caught).length
const passed = verdicts.size - failed
const left = wanted.filter((each) => !verdicts.has(each)).map(({ name }) => name)
if (left.length > 0) console.log(`no time left for: ${left.join(' ')}`)
console.log(`planted: ${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
