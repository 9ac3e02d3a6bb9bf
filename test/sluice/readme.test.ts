// What the README shows is run as it stands there: the lines of the quick start and of the HTTP section, the
// embedded test, and the commands of the table.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { sluice, startBroker } from './command.ts'

const root = path.join(import.meta.dirname, '../..')
const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
const streamTimeoutMs = 1000

/** The shell blocks of a section, line by line; what follows ` # ` is said, not run. */
function linesOf(section: string): string[] {
  const [, text = ''] = readme.split(`\n## ${section}\n`)
  const [own] = text.split('\n## ')
  const blocks = own.matchAll(/^```sh\n([\s\S]*?)^```/gm)
  return [...blocks]
    .flatMap(([, block]) => block.split('\n'))
    .map((line) => line.replace(/\s+# .*$/, ''))
    .filter((line) => line !== '' && !line.startsWith('npm ci'))
}

function isInstalled(tool: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(':')
    .some((folder) => existsSync(path.join(folder, tool)))
}

/** Runs a line in the checkout, against the broker at `at`; a stream is cut off. */
function run(line: string, at: string, prefix = '') {
  const script = `${prefix}\n${line}`.replaceAll('127.0.0.1:9092', at)
  const streams = line.includes(' -N ')
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', script.replace(/\bcurl /, 'curl -sS ')],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, SLUICE_BOOTSTRAP: at },
      timeout: streams ? streamTimeoutMs : 10_000,
    },
  )
  return { status: streams ? 0 : status, stdout, stderr }
}

describe('the README', () => {
  test.each(['Run it', 'HTTP'])('%s: every line works', async (section) => {
    await using broker = await startBroker(['dev', '--port', '0', '--memory', '--json'])
    const lines = linesOf(section)
    const [assignment] = lines.filter((line) => /^H=/.test(line))
    const runnable = lines.filter((line) => line !== assignment)
    expect(runnable.length).toBeGreaterThan(3)
    for (const line of runnable) {
      const [tool] = /^(?:kcat|curl)/.exec(line) ?? []
      if (tool !== undefined && !isInstalled(tool)) continue
      const { status, stdout, stderr } = run(line, broker.bootstrapServers, assignment)
      expect(status, `${line}\n${stderr}`).toBe(0)
      expect(stdout, line).not.toContain('"status":4')
    }
  })

  test('the command table names commands and options that there are', async () => {
    const foreign = ['--describe']
    const nouns = ['topics', 'configs', 'groups', 'records', 'cluster', 'log']
    const rows = readme.matchAll(/^\| `sluice (\w+)(?: ([\w-]+))?[^`]*`.*$/gm)
    for (const [row, command, subcommand] of rows) {
      const words = nouns.includes(command) ? [command, subcommand] : [command]
      const { stdout: help } = await sluice([...words, '--help'])
      for (const [option] of row.matchAll(/--[a-z-]+/g)) {
        if (!foreign.includes(option)) expect(help, row).toContain(option)
      }
    }
  })
})
