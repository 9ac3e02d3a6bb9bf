import { expect, test } from 'vitest'
import { brokerSettings } from '../../packages/sluice/src/broker-settings.ts'

const settingsOf = (configs: Record<string, string>) => {
  const overrides = Object.entries(configs).map(([name, value]) => ({ name, value }))
  return brokerSettings({ overrides })
}

test('metadata.log.dir is the folder of the metadata table, by default the first of log.dirs', () => {
  expect(settingsOf({ 'log.dirs': '/a,/b' }).dataFolder).toBe('/a')
  expect(settingsOf({ 'log.dirs': '/a,/b', 'metadata.log.dir': '/m' }).dataFolder).toBe('/m')
})
