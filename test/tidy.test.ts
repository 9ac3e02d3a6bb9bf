// Style as a test (after TigerBeetle's tidy): who may import whom, calls that bypass Host, sizes of files
// and lines, leftovers. What fails here names the file, the line and what to do instead.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const fileLinesMax = 500
const lineColumnsMax = 120

interface Source {
  readonly path: string
  readonly text: string
  readonly lines: string[]
}

function walk(folder: string): Source[] {
  const found: Source[] = []
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name === '.cache') continue
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) found.push(...walk(path))
    else if (entry.name.endsWith('.ts')) {
      const text = readFileSync(join(root, path), 'utf8')
      found.push({ path, text, lines: text.split('\n') })
    }
  }
  return found
}

const product = ['packages', 'services'].flatMap(walk)
const tests = walk('test')

/** Unit -> units it may import, besides itself and the open ones. */
const open = ['protocol', 'core/lib', 'core/host', 'core/config', 'core/metrics']
const arrows: Record<string, string[]> = {
  protocol: [],
  'core/lib': [],
  'core/host': [],
  'core/config': ['protocol', 'core/lib', 'core/host'],
  'core/metrics': ['protocol', 'core/lib', 'core/host'],
  'core/kafka-client': [],
  'core/log': [],
  'core/cluster': ['core/kafka-client'],
  'core/partition': ['core/log', 'core/cluster'],
  'core/group': ['core/partition', 'core/cluster'],
  'core/security': ['core/cluster'],
  broker: [
    'core/kafka-client',
    'core/log',
    'core/cluster',
    'core/partition',
    'core/group',
    'core/security',
  ],
  gateway: ['core/kafka-client'],
  sluice: [
    'broker',
    'gateway',
    'core/host/implementation',
    'core/kafka-client',
    'core/log',
    'core/cluster',
    'core/partition',
    'core/group',
  ],
}
const closed = new Set(['protocol', 'core/lib', 'core/host', 'core/config', 'core/metrics'])

/** The unit a repository path belongs to, e.g. packages/core/src/log/log.ts -> core/log. */
function unitOf(path: string): string {
  const parts = path.split('/')
  if (parts[1] !== 'core') return parts[1]
  if (parts[3] === 'host') return parts.length > 5 ? 'core/host/implementation' : 'core/host'
  return `core/${parts[3]}`
}

interface Import {
  line: number
  target: string
  /** Names types alone: nothing is loaded. */
  typeOnly: boolean
  /** Loaded when a call comes to it. */
  onDemand: boolean
}

function importsOf(source: Source): Import[] {
  const found: Import[] = []
  source.lines.forEach((line, index) => {
    const match = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/.exec(line)
    if (!match || line.trimStart().startsWith('//') || line.trimStart().startsWith('*')) return
    const typeOnly = line.startsWith('import type ')
    found.push({ line: index + 1, target: match[1], typeOnly, onDemand: line.includes('import(') })
  })
  return found
}

/** The repository path an import means, or undefined for one from outside. */
function resolveImport(from: string, target: string): string | undefined {
  if (target.startsWith('.')) return relative(root, resolve(root, dirname(from), target))
  const match = /^@sluice\/([a-z-]+)\/(.+)$/.exec(target)
  if (!match) return undefined
  const home = ['broker', 'gateway'].includes(match[1]) ? 'services' : 'packages'
  return `${home}/${match[1]}/src/${match[2]}.ts`
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true
  if (from === 'core/host/implementation') return ['core/host', 'core/lib', 'protocol'].includes(to)
  const allowed = arrows[from]
  if (!allowed) return false
  return allowed.includes(to) || (!closed.has(from) && open.includes(to))
}

/** Calls that would make a run depend on more than its Host and its seed. */
const banned: { pattern: RegExp; instead: string }[] = [
  { pattern: /\bDate\.now\b|\bnew Date\(\)/, instead: 'host.clock.now()' },
  { pattern: /(?<!\.)\bperformance\./, instead: 'host.clock.monotonic()' },
  { pattern: /\bMath\.random\b/, instead: 'host.random.number()' },
  {
    pattern: /\bcrypto\.random|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/,
    instead: 'host.random',
  },
  {
    pattern: /\b(setTimeout|setInterval|setImmediate)\b/,
    instead: 'host.clock.setTimer() or host.clock.defer()',
  },
  {
    pattern:
      /'node:(fs|fs\/promises|net|tls|dns|http|https|worker_threads|child_process|cluster|timers.*)'/,
    instead: 'host.disk or host.network',
  },
  {
    pattern: /\bprocess\.(env|hrtime|nextTick|exit|on)\b/,
    instead: 'core/config, or packages/sluice',
  },
  {
    pattern: /\bzlib\.(gzip|gunzip|deflate|inflate|zstdCompress|zstdDecompress|brotliCompress)\(/,
    instead: 'the synchronous call: pool completion order is not reproducible',
  },
]

/** The types of the embedding interface stand in one file of their own: they are what npm delivers. */
const allowedBack = new Set(['packages/sluice/src/embedded.ts -> packages/sluice/src/embed.ts'])

function importsByFile(sources: readonly Source[]): Map<string, string[]> {
  return new Map(
    sources.map((source) => {
      const targets = importsOf(source)
        .filter(({ onDemand }) => !onDemand)
        .map(({ target }) => resolveImport(source.path, target))
      const allowed = (path: string) => !allowedBack.has(`${source.path} -> ${path}`)
      return [source.path, targets.filter((path) => path !== undefined).filter(allowed)]
    }),
  )
}

/** For each import that closes a circle, the files on it. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]) => {
    const before = way.indexOf(file)
    if (before >= 0) circles.push([...way.slice(before), file])
    if (before >= 0 || done.has(file)) return
    for (const target of imports.get(file) ?? []) visit(target, [...way, file])
    done.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return circles
}

describe('tidy', () => {
  test('imports follow the arrows of ARCHITECTURE.md', () => {
    const wrong: string[] = []
    for (const source of product) {
      for (const { line, target, typeOnly } of importsOf(source)) {
        const path = resolveImport(source.path, target)
        if (!path) continue
        const from = unitOf(source.path)
        const to = unitOf(path)
        // A timer queue must name the Clock it is driven by, and no more than name it.
        if (from === 'core/lib' && to === 'core/host' && typeOnly) continue
        if (!mayImport(from, to)) wrong.push(`${source.path}:${line}: ${from} may not import ${to}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('files do not name one another in a circle, not even their types', () => {
    const circles = circlesOf(importsByFile(product)).map((files) => files.join(' -> '))
    expect(circles).toEqual([])
  })

  test('core and services reach the world only through Host', () => {
    const wrong: string[] = []
    for (const source of product) {
      const unit = unitOf(source.path)
      if (unit === 'core/host/implementation' || unit === 'sluice') continue
      source.lines.forEach((line, index) => {
        const code = line.replace(/\/\/.*$/, '').replace(/^\s*\*.*$/, '')
        for (const { pattern, instead } of banned) {
          if (pattern.test(code)) wrong.push(`${source.path}:${index + 1}: use ${instead}`)
        }
      })
    }
    expect(wrong).toEqual([])
  })

  test('files and lines stay readable', () => {
    const wrong: string[] = []
    for (const source of [...product, ...tests]) {
      if (source.lines.length > fileLinesMax && !source.path.startsWith('test/')) {
        wrong.push(`${source.path}: ${source.lines.length} lines: which second noun does it hide?`)
      }
      source.lines.forEach((line, index) => {
        if (line.length > lineColumnsMax) wrong.push(`${source.path}:${index + 1}: line too long`)
      })
    }
    expect(wrong).toEqual([])
  })

  test('a product file opens by saying what it is', () => {
    const wrong = product
      .filter(({ lines }) => !/^(#!|\/\/|\/\*\*)/.test(lines[0]))
      .map(({ path }) => `${path}: no opening comment`)
    expect(wrong).toEqual([])
  })

  test('nothing is left over', () => {
    const marks = new RegExp(
      ['TO' + 'DO', 'FIX' + 'ME', '\\bXX' + 'X\\b', 'debug' + 'ger'].join('|'),
    )
    const wrong: string[] = []
    for (const source of [...product, ...tests]) {
      source.lines.forEach((line, index) => {
        if (marks.test(line)) wrong.push(`${source.path}:${index + 1}: leftover: ${line.trim()}`)
        if (/\b(describe|test|it)\.(only|skip|todo)\b/.test(line)) {
          wrong.push(`${source.path}:${index + 1}: a test that is switched off`)
        }
      })
    }
    expect(wrong).toEqual([])
  })

  test('every product file is used', () => {
    const entries = [
      'packages/sluice/src/main.ts',
      'packages/sluice/src/embed.ts',
      // The network of the simulator.
      'packages/core/src/host/memory/simulated-network.ts',
    ]
    const entry = (path: string) =>
      entries.includes(path) || path.endsWith('/explain.ts') || !path.includes('/src/')
    const used = new Set<string>()
    for (const source of product) {
      for (const { target } of importsOf(source)) {
        const path = resolveImport(source.path, target)
        if (path) used.add(path)
      }
    }
    const dead = product.map(({ path }) => path).filter((path) => !used.has(path) && !entry(path))
    expect(dead).toEqual([])
  })
})
