// Packs the npm package, installs it into an empty folder under each Node it promises to run on, and uses
// it there as its users do: the command, a test with Sluice.start() and kafkajs, the types.
//
//   node test/pack/run.ts [major ...]          prints a line a step; ends with status 1 when one fails

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

const root = path.join(import.meta.dirname, '../..')
const nodeMajors = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24']
const work = mkdtempSync(path.join(tmpdir(), 'sluice-pack-'))
const lines = 1000
const readyTimeoutMs = 20_000

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Runs a program in `folder`, whose own binaries come first; returns what it printed. */
function run(folder: string, program: string, args: string[], input?: string): string {
  return execFileSync(program, args, {
    cwd: folder,
    env: { ...process.env, ...pathOf(folder) },
    encoding: 'utf8',
    input,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

function pathOf(folder: string): { PATH: string } {
  return { PATH: `${path.join(folder, 'node_modules/.bin')}:${process.env['PATH']}` }
}

function pack(): string {
  run(root, 'npm', ['pack', '--silent', '-w', 'sluice', '--pack-destination', work])
  const tarball = readdirSync(work).find((name) => name.endsWith('.tgz'))
  if (!tarball) throw new Error('npm pack left no tarball')
  const file = path.join(work, tarball)
  say(`packed ${tarball}: ${kilobytes(statSync(file).size)}`)
  return file
}

function install(tarball: string, nodeMajor: string): string {
  const folder = mkdtempSync(path.join(work, `node-${nodeMajor}-`))
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  run(folder, 'npm', ['install', '--silent', '--no-audit', '--no-fund', tarball])
  const packages = installedPackages(folder)
  const foreign = packages.filter((name) => /aws|cdk/.test(name))
  if (foreign.length > 0) throw new Error(`the package brings ${foreign.join(', ')}`)
  const bytes = sizeOf(path.join(folder, 'node_modules'))
  say(
    `node ${nodeMajor}: installed ${packages.length} packages, ${kilobytes(bytes)}: ${packages.join(' ')}`,
  )
  const { devDependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const tools = ['kafkajs', 'vitest', 'typescript', '@types/node']
  const wanted = tools.map((name) => `${name}@${devDependencies[name]}`)
  run(folder, 'npm', [
    'install',
    '--silent',
    '--no-audit',
    '--no-fund',
    `node@${nodeMajor}`,
    ...wanted,
  ])
  return folder
}

function installedPackages(folder: string): string[] {
  const lock = JSON.parse(
    readFileSync(path.join(folder, 'node_modules/.package-lock.json'), 'utf8'),
  ) as { packages: Record<string, unknown> }
  return Object.keys(lock.packages).map((name) => name.replace(/^.*node_modules\//, ''))
}

async function useCommand(folder: string): Promise<void> {
  const child = spawn('npx', ['sluice', 'dev', '--port', '0', '--json'], {
    cwd: folder,
    env: { ...process.env, ...pathOf(folder) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const { bootstrapServers, httpUrl, pid } = await firstLine(child)
    const text = Array.from({ length: lines }, (_, index) => `line ${index}\n`).join('')
    run(folder, 'npx', ['sluice', 'produce', 'lines', '--bootstrap', bootstrapServers], text)
    const flags = ['--from-beginning', '--max', String(lines)]
    const got = run(folder, 'npx', [
      'sluice',
      'consume',
      'lines',
      '--bootstrap',
      bootstrapServers,
      ...flags,
    ])
    if (got !== text) throw new Error('what was consumed is not what was produced')
    const ready = await fetch(`${httpUrl}/readyz`)
    if (ready.status !== 200) throw new Error(`/readyz answers ${ready.status}`)
    process.kill(pid, 'SIGTERM')
    const [status] = await once(child, 'exit')
    if (status !== 0) throw new Error(`sluice dev ended with status ${status}`)
    say('  sluice dev, produce, consume, /readyz, SIGTERM: as promised')
  } finally {
    child.kill('SIGKILL')
  }
}

async function firstLine(
  child: ChildProcess,
): Promise<{ bootstrapServers: string; httpUrl: string; pid: number }> {
  const input = createInterface({ input: child.stdout! })
  const timeout = AbortSignal.timeout(readyTimeoutMs)
  const [line] = await once(input, 'line', { signal: timeout })
  return JSON.parse(line)
}

function useAsLibrary(folder: string): void {
  cpSync(path.join(import.meta.dirname, 'consumer'), folder, { recursive: true })
  run(folder, 'vitest', ['run'])
  say('  vitest with Sluice.start() and kafkajs: passes')
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024']
  const libraries = ['--lib', 'es2024,esnext.disposable', '--types', 'node']
  run(folder, 'tsc', [...flags, ...libraries, 'types.ts', 'orders.test.ts'])
  say('  tsc --strict: the types resolve')
}

function sizeOf(folder: string): number {
  return Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0])
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1024)} KiB`
}

try {
  const tarball = pack()
  for (const nodeMajor of nodeMajors) {
    const folder = install(tarball, nodeMajor)
    say(`  ${run(folder, 'node', ['--version']).trim()}`)
    await useCommand(folder)
    useAsLibrary(folder)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
