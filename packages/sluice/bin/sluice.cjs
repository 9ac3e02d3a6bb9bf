#!/usr/bin/env node
// The launcher of the command. Plain CommonJS, because it has to parse under any Node, and to run
// before Node's thread pool starts and before anything worth caching is compiled:
//   - a Node that is too old gets one clear line instead of a syntax error
//   - disk work may take 8 threads; with 16 in the pool, a stuck disk does not hold name look-ups
//   - compiled code is kept for the next start
const oldest = { checkout: [22, 18], package: [22, 12] }

const fs = require('node:fs')
const path = require('node:path')

const source = path.join(__dirname, '../src/main.ts')
const fromSource = fs.existsSync(source)
const [major, minor] = process.versions.node.split('.').map(Number)
const needed = fromSource ? oldest.checkout : oldest.package

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  const remedy = fromSource ? 'run it as `npx sluice` or `npm start`' : 'install a newer Node'
  process.stderr.write(
    `sluice: needs Node ${needed.join('.')} or newer, and this is ${process.version}; ${remedy}\n`,
  )
  process.exit(1)
}

process.env.UV_THREADPOOL_SIZE = process.env.UV_THREADPOOL_SIZE || '16'
const { enableCompileCache, flushCompileCache } = require('node:module')
enableCompileCache()
// Written down at a clean end by itself; a broker that is killed should start as fast the next time.
if (flushCompileCache) setTimeout(flushCompileCache, 2000).unref()

// Type stripping and node:sqlite are called experimental by some of the Nodes we run on; whoever runs
// the command can do nothing about that.
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') console.error(`sluice: ${warning.message}`)
})

import(fromSource ? '../src/main.ts' : '../dist/main.js')
