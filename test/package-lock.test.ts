// `npm ci` refuses a lock that leaves out an optional dependency, and `npm install` writes such a lock where
// the registry at hand does not have the packages of all platforms: take a version that is whole.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

interface Locked {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

test('the lock holds every optional dependency, of all platforms', () => {
  const file = path.join(import.meta.dirname, '../package-lock.json')
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as {
    packages: Record<string, Locked>
  }
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) => {
    const names = Object.keys(optionalDependencies)
    const isLocked = (name: string) =>
      `${place}/node_modules/${name}` in packages || `node_modules/${name}` in packages
    return names.filter((name) => !isLocked(name)).map((name) => `${place} wants ${name}`)
  })
  expect(missing).toEqual([])
})
