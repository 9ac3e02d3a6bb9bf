// Builds the npm package `sluice`; npm runs it before it packs (`npm pack -w sluice`), and once more with
// --clean afterwards.
//
//   bin/sluice.cjs          the launcher, as it is in the repository
//   dist/*.js               our workspaces and the pure JavaScript they need, in one bundle
//   dist/embed.d.ts         types of `import { Sluice } from 'sluice'`; they need no others
//
// The native modules alone stay dependencies. Node strips no types under node_modules, so what is
// installed is JavaScript.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type OutputChunk, rolldown } from 'rolldown'
import ownPackage from './package.json' with { type: 'json' }

const here = import.meta.dirname
const root = path.join(here, '../..')
const dist = path.join(here, 'dist')
/** Kept once, at the top of the repository; npm takes them from the package's folder. */
const shared = ['LICENSE', 'README.md']
const licences = 'THIRD-PARTY-LICENSES'

/** Prebuilt binaries cannot be bundled; each has a JavaScript fallback where it has none. */
const natives: Record<string, string> = ownPackage.dependencies

async function bundle(): Promise<OutputChunk[]> {
  const build = await rolldown({
    input: { main: path.join(here, 'src/main.ts'), embed: path.join(here, 'src/embed.ts') },
    platform: 'node',
    external: [/^node:/, ...Object.keys(natives)],
  })
  const { output } = await build.write({
    dir: dist,
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
  })
  await build.close()
  return output.filter((file) => file.type === 'chunk')
}

/** Types stand on their own: a declaration that named another module would not resolve there. */
function declareTypes(): void {
  const folder = path.join(dist, 'types')
  const project = path.join(dist, 'tsconfig.json')
  const compilerOptions = {
    declaration: true,
    emitDeclarationOnly: true,
    noEmit: false,
    outDir: folder,
    rootDir: root,
  }
  writeFileSync(
    project,
    JSON.stringify({
      extends: path.join(root, 'tsconfig.json'),
      compilerOptions,
      files: [path.join(here, 'src/embed.ts')],
      include: [],
    }),
  )
  execFileSync('tsc', ['--project', project], { stdio: 'inherit' })
  const declarations = readFileSync(path.join(folder, 'packages/sluice/src/embed.d.ts'), 'utf8')
  const foreign = /(?:from|import\()\s*'(?!node:)([^']+)'/.exec(declarations)
  if (foreign) throw new Error(`embed.d.ts must stand on its own, and imports ${foreign[1]}`)
  writeFileSync(path.join(dist, 'embed.d.ts'), declarations)
  rmSync(folder, { recursive: true })
  rmSync(project)
}

/** The licences of what was bundled ask to come along. */
function collectLicences(chunks: OutputChunk[]): string {
  const folders = new Set<string>()
  for (const module of chunks.flatMap((chunk) => chunk.moduleIds)) {
    const match = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module)
    if (match) folders.add(match[1])
  }
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(path.join(folder, 'package.json'), 'utf8'),
    ) as { name: string; version: string; license: string }
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text =
      file === undefined ? `Licence: ${license}` : readFileSync(path.join(folder, file), 'utf8')
    return `${name} ${version}\n\n${text.trim()}\n`
  })
  return `Parts of dist/ come from these packages:\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

function clean(): void {
  rmSync(dist, { recursive: true, force: true })
  for (const file of [...shared, licences]) rmSync(path.join(here, file), { force: true })
}

clean()
if (!process.argv.includes('--clean')) {
  mkdirSync(dist)
  const chunks = await bundle()
  declareTypes()
  for (const file of shared) cpSync(path.join(root, file), path.join(here, file))
  writeFileSync(path.join(here, licences), collectLicences(chunks))
}
