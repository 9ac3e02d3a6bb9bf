import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // The package's name stands for its source here; test/pack/run.ts tries it packed and installed.
  resolve: { alias: { sluice: resolve(import.meta.dirname, 'packages/sluice/src/embed.ts') } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/outside/**', '**/node_modules/**'],
    // For the worst of machines: a test that hangs is found late, one that is slow does not fail.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
  },
})
