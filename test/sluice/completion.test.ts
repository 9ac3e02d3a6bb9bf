import { spawnSync } from 'node:child_process'
import { Admin } from '@sluice/core/kafka-client/admin'
import { expect, test } from 'vitest'
import { withCluster } from '../../packages/sluice/src/client.ts'
import { program } from '../../packages/sluice/src/command-line.ts'
import { complete } from '../../packages/sluice/src/complete.ts'
import { againstEmbedded } from './against-embedded.ts'
import { sluice } from './command.ts'

const against = againstEmbedded()

const candidates = (...words: string[]) => complete(program(), words)

test('commands, options and choices', async () => {
  expect(await candidates('top')).toEqual(['topics'])
  expect(await candidates('')).not.toContain('__complete')
  expect(await candidates('groups', 'de')).toEqual(['delete', 'delete-offsets', 'describe'])
  expect(await candidates('groups', 'reset-offsets', 'g', '--to-')).toContain('--to-datetime')
  expect(await candidates('bench', '--codec', 'l')).toEqual(['lz4'])
  expect(await candidates('completion', 'f')).toEqual(['fish'])
})

test('names of topics', async () => {
  const at = against.broker.bootstrapServers
  await withCluster(at, async (client) => {
    await new Admin(client).createTopics([{ name: 'orders' }, { name: 'payments' }])
  })
  expect(await candidates('topics', 'delete', '--bootstrap', at, 'o')).toEqual(['orders'])
  expect(await candidates('topics', 'delete', '--bootstrap', at, 'orders', '')).toEqual([
    'orders',
    'payments',
  ])
  expect(await candidates('configs', 'get', '--bootstrap', at, '--topic', 'p')).toEqual([
    'payments',
  ])
  expect(await candidates('consume', 'orders', '--bootstrap', at, '')).toEqual([])
})

test('the script of bash is one, and asks the command', async () => {
  const { stdout } = await sluice(['completion', 'bash'])
  expect(spawnSync('bash', ['-n'], { input: stdout }).status).toBe(0)
  const asked = await sluice(['__complete', '--', 'topics', 'de'])
  expect(asked).toMatchObject({ status: 0, stdout: 'delete\ndescribe\n' })
})
