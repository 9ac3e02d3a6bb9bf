import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

// Files run one after another: each drives other processes on the same two cores.
export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, '../..'),
    include: ['test/outside/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
})
