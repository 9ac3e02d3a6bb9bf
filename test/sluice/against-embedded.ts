// The client commands against one embedded broker, reset before each test.

import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest'
import { Sluice } from '../../packages/sluice/src/embed.ts'
import { type Result, type RunOptions, sluice } from './command.ts'

export interface Against {
  readonly broker: Sluice
  run(args: readonly string[], options?: RunOptions): Promise<Result>
  /** Runs a command that must succeed; returns what it printed. */
  output(args: readonly string[], options?: RunOptions): Promise<string>
}

/** Called once, at the top of a test file. */
export function againstEmbedded(): Against {
  // Each command is a process of its own: on a busy machine that takes seconds, several times.
  vi.setConfig({ testTimeout: 90_000 })
  let broker: Sluice
  beforeAll(async () => {
    broker = await Sluice.start()
  })
  beforeEach(() => broker.reset())
  afterAll(() => broker.stop())
  const run = (args: readonly string[], options?: RunOptions) =>
    sluice([...args, '--bootstrap', broker.bootstrapServers], options)
  return {
    get broker() {
      return broker
    },
    run,
    async output(args, options) {
      const { status, stdout, stderr } = await run(args, options)
      expect(stderr).toBe('')
      expect(status).toBe(0)
      return stdout
    },
  }
}
