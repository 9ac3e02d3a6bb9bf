// Packs the npm package `sluice`: `npm run pack [-- FOLDER]` leaves sluice-<version>.tgz in the folder.
//
//   dist/package/bin/sluice.cjs     the launcher, as it is in the repository
//   dist/package/dist/*.js          our workspaces and the pure JavaScript they need, in one bundle
//   dist/package/dist/embed.d.ts    types of `import { Sluice } from 'sluice'`; they need no others
//   dist/package/package.json       made here: the dependencies are the native modules alone
//
// Node strips no types under node_modules, so what is installed is JavaScript.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type OutputChunk, rolldown } from 'rolldown'
import protocolPackage from '../protocol/package.json' with { type: 'json' }
import ownPackage from './package.json' with { type: 'json' }

const here = import.meta.dirname
const root = path.join(here, '../..')
const staging = path.join(here, 'dist/package')
const destination = path.resolve(process.argv[2] ?? '.')

/** Prebuilt binaries cannot be bundled; each has a JavaScript fallback where it has none. */
const natives: Record<string, string> = protocolPackage.dependencies

async function bundle(): Promise<OutputChunk[]> {
  const build = await rolldown({
    input: { main: path.join(here, 'src/main.ts'), embed: path.join(here, 'src/embed.ts') },
    platform: 'node',
    external: [/^node:/, ...Object.keys(natives)],
  })
  const { output } = await build.write({
    dir: path.join(staging, 'dist'),
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
  })
  await build.close()
  return output.filter((file) => file.type === 'chunk')
}

/** Types stand on their own: a declaration that named another module would not resolve there. */
function declareTypes(): void {
  const folder = path.join(here, 'dist/types')
  const project = path.join(here, 'dist/tsconfig.json')
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
  writeFileSync(path.join(staging, 'dist/embed.d.ts'), declarations)
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

function packageJson(): string {
  const { name, version, description, license, engines } = ownPackage
  const fields = {
    ...{ name, version, description, license, type: 'module', engines },
    bin: { sluice: 'bin/sluice.cjs' },
    exports: {
      '.': { types: './dist/embed.d.ts', default: './dist/embed.js' },
      './package.json': './package.json',
    },
    files: ['bin', 'dist', 'THIRD-PARTY-LICENSES'],
    dependencies: natives,
  }
  return `${JSON.stringify(fields, null, 2)}\n`
}

rmSync(path.join(here, 'dist'), { recursive: true, force: true })
mkdirSync(path.join(staging, 'dist'), { recursive: true })
const chunks = await bundle()
declareTypes()
cpSync(path.join(here, 'bin'), path.join(staging, 'bin'), { recursive: true })
for (const file of ['LICENSE', 'README.md']) {
  cpSync(path.join(root, file), path.join(staging, file))
}
writeFileSync(path.join(staging, 'THIRD-PARTY-LICENSES'), collectLicences(chunks))
writeFileSync(path.join(staging, 'package.json'), packageJson())
execFileSync('npm', ['pack', staging, '--pack-destination', destination], { stdio: 'inherit' })
