import { readFileSync } from 'node:fs'
import path from 'node:path'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { expect, test } from 'vitest'
import { configReference } from '../../packages/sluice/config-reference.ts'

test('docs/configuration.md is what the tables say; `npm run config:reference` writes it', () => {
  const file = path.join(import.meta.dirname, '../../docs/configuration.md')
  expect(readFileSync(file, 'utf8')).toBe(configReference())
})

test('every broker config is in the reference once', () => {
  const [, brokers] = configReference().split(/^## .*$/m)
  for (const name of Object.keys(brokerConfigs)) {
    expect(brokers.split(`\n| \`${name}\``), name).toHaveLength(2)
  }
})
