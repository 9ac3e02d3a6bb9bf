#!/usr/bin/env node
// The launcher of the command. Plain CommonJS, because it has to parse under any Node, and to run
// before Node's thread pool starts and before anything worth caching is compiled:
//   - a Node that is too old gets one clear line instead of a syntax error
//   - disk work may take 8 threads; with 16 in the pool, a stuck disk does not hold name look-ups
//   - what a request passes is compiled well after its first 500 requests, not after 3,000
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
// A request passes some hundred functions, each about once: the first thousands of them would run in code that V8
// has not compiled well yet. A V8 that does not know a flag says so on stderr: only where they are known to be.
if (major === 24) {
  const { setFlagsFromString } = require('node:v8')
  setFlagsFromString('--invocation-count-for-turbofan=500')
  setFlagsFromString('--minimum-invocations-after-ic-update=100')
}
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
