// What every Table promises. `setUp` gives an empty table.

import type { Action, Item, Json, Table } from '@sluice/core/host/table'
import { TableError, transactActionsMax } from '@sluice/core/host/table'
import { afterEach, describe, expect, test } from 'vitest'

type Values = { [name: string]: Json }

function item(partition: string, sort: string, value: Values = {}): Item {
  return { partition, sort, value }
}

function put(partition: string, sort: string, value: Values = {}): Action {
  return { kind: 'put', item: item(partition, sort, value) }
}

export function tableContract(name: string, setUp: () => Promise<Table>): void {
  describe(`table contract: ${name}`, () => {
    let open: Table[] = []

    async function newTable(): Promise<Table> {
      const table = await setUp()
      open.push(table)
      return table
    }

    afterEach(async () => {
      for (const table of open) await table.close()
      open = []
    })

    test('an item comes back as it was put, whatever it holds', async () => {
      const table = await newTable()
      const value = {
        text: 'Grüße, 世界 \u0000 \u{1f600}',
        numbers: [0, -1, 1.5, 2 ** 53 - 1],
        nested: { list: [null, true, { deep: [] }], empty: {} },
        nothing: null,
      }
      expect(await table.get({ partition: 'p', sort: 's' })).toBeUndefined()
      expect(await table.write(put('p', 's', value))).toEqual({ ok: true })
      expect(await table.get({ partition: 'p', sort: 's' })).toEqual(item('p', 's', value))
      expect(await table.write(put('p', 's', { other: 1 }))).toEqual({ ok: true })
      expect(await table.get({ partition: 'p', sort: 's' })).toEqual(item('p', 's', { other: 1 }))
    })

    test('nobody shares an object with the table', async () => {
      const table = await newTable()
      const list = [1]
      await table.write(put('p', 's', { list }))
      list.push(2)
      const got = await table.get({ partition: 'p', sort: 's' })
      expect(got?.value).toEqual({ list: [1] })
      const gotList = got?.value.list as Json[]
      gotList.push(3)
      expect((await table.get({ partition: 'p', sort: 's' }))?.value).toEqual({ list: [1] })
    })

    test('exists: a put if absent is done once', async () => {
      const table = await newTable()
      const first = { ...put('p', 's', { by: 'first' }), condition: { exists: false } } as Action
      const second = { ...put('p', 's', { by: 'second' }), condition: { exists: false } } as Action
      expect(await table.write(first)).toEqual({ ok: true })
      expect(await table.write(second)).toEqual({
        ok: false,
        index: 0,
        current: item('p', 's', { by: 'first' }),
      })
    })

    test('equals compares deeply, whatever the order of names; what is missing is unequal', async () => {
      const table = await newTable()
      const value = { version: 3, owner: { id: 1, tags: ['a', 'b'] }, none: null }
      await table.write(put('p', 's', value))
      const holds = async (equals: Values, sort = 's') => {
        const key = { partition: 'p', sort }
        return (await table.write({ kind: 'check', key, condition: { equals } })).ok
      }
      expect(await holds({})).toBe(true)
      expect(await holds({ version: 3 })).toBe(true)
      expect(await holds({ owner: { tags: ['a', 'b'], id: 1 }, version: 3 })).toBe(true)
      expect(await holds({ none: null })).toBe(true)
      expect(await holds({ version: '3' })).toBe(false)
      expect(await holds({ version: 4 })).toBe(false)
      expect(await holds({ owner: { tags: ['b', 'a'], id: 1 } })).toBe(false)
      expect(await holds({ missing: null })).toBe(false)
      expect(await holds({ toString: null })).toBe(false)
      expect(await holds({ version: 3 }, 'missing')).toBe(false)
      expect(await holds({}, 'missing')).toBe(false)
    })

    test('an update merges the top level of an item that is there', async () => {
      const table = await newTable()
      const key = { partition: 'p', sort: 's' }
      const absent = await table.write({ kind: 'update', key, set: { a: 1 } })
      expect(absent).toEqual({ ok: false, index: 0, current: undefined })
      await table.write(put('p', 's', { a: { x: 1 }, b: 2 }))
      const condition = { exists: true, equals: { b: 2 } }
      const set = { a: { y: 2 }, c: 3 }
      expect(await table.write({ kind: 'update', key, set, condition })).toEqual({ ok: true })
      expect(await table.get(key)).toEqual(item('p', 's', { a: { y: 2 }, b: 2, c: 3 }))
      expect(
        await table.write({ kind: 'update', key, set, condition: { equals: { b: 9 } } }),
      ).toEqual({ ok: false, index: 0, current: item('p', 's', { a: { y: 2 }, b: 2, c: 3 }) })
    })

    test('a delete of what is not there is fine; conditions hold for deletes, too', async () => {
      const table = await newTable()
      const key = { partition: 'p', sort: 's' }
      expect(await table.write({ kind: 'delete', key })).toEqual({ ok: true })
      await table.write(put('p', 's', { n: 1 }))
      const refused = await table.write({ kind: 'delete', key, condition: { equals: { n: 2 } } })
      expect(refused.ok).toBe(false)
      expect(await table.write({ kind: 'delete', key, condition: { equals: { n: 1 } } })).toEqual({
        ok: true,
      })
      expect(await table.get(key)).toBeUndefined()
    })

    test('query gives one partition, by prefix, in the order of the bytes', async () => {
      const table = await newTable()
      const sorts = ['a', 'a#1', 'a#10', 'a#2', 'b', 'ä', '\uffee', '\u{1f600}', 'B', 'a%_', 'a_']
      for (const sort of sorts.toReversed()) await table.write(put('p', sort, { sort }))
      await table.write(put('q', 'a', {}))
      const names = (page: { items: Item[] }) => page.items.map(({ sort }) => sort)
      const sorted = sorts.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
      expect(names(await table.query('p'))).toEqual(sorted)
      expect(names(await table.query('p', { sortPrefix: 'a#' }))).toEqual(['a#1', 'a#10', 'a#2'])
      expect(names(await table.query('p', { sortPrefix: 'a%' }))).toEqual(['a%_'])
      expect(names(await table.query('p', { sortPrefix: 'a_' }))).toEqual(['a_'])
      expect(names(await table.query('p', { sortPrefix: '\u{1f600}' }))).toEqual(['\u{1f600}'])
      expect(names(await table.query('none'))).toEqual([])
      const first = (await table.query('p', { limit: 1 })).items[0]
      expect(first).toEqual(item('p', 'B', { sort: 'B' }))
    })

    test('query pages without a gap, and the last page has no next', async () => {
      const table = await newTable()
      for (let i = 0; i < 10; i++) await table.write(put('p', `k#${i}`, {}))
      await table.write(put('p', 'z', {}))
      const seen: string[] = []
      let after: string | undefined
      do {
        const page = await table.query('p', { sortPrefix: 'k#', limit: 5, after })
        expect(page.items).toHaveLength(5)
        seen.push(...page.items.map(({ sort }) => sort))
        after = page.next
      } while (after !== undefined)
      expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => `k#${i}`))
    })

    test('a transaction is done as a whole or not at all', async () => {
      const table = await newTable()
      await table.write(put('meta', 'version', { n: 1 }))
      const moving = (from: number): Action[] => [
        { kind: 'check', key: { partition: 'gone', sort: '' }, condition: { exists: false } },
        put('p', `made at ${from}`, {}),
        {
          kind: 'update',
          key: { partition: 'meta', sort: 'version' },
          set: { n: from + 1 },
          condition: { equals: { n: from } },
        },
      ]
      expect(await table.transact(moving(1))).toEqual({ ok: true })
      expect(await table.transact(moving(7))).toEqual({
        ok: false,
        index: 2,
        current: item('meta', 'version', { n: 2 }),
      })
      expect((await table.query('p')).items.map(({ sort }) => sort)).toEqual(['made at 1'])
    })

    test('of concurrent conditional writes one wins', async () => {
      const table = await newTable()
      await table.write(put('p', 's', { n: 0 }))
      const key = { partition: 'p', sort: 's' }
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, by) =>
          table.write({ kind: 'update', key, set: { n: 1, by }, condition: { equals: { n: 0 } } }),
        ),
      )
      expect(results.filter(({ ok }) => ok)).toHaveLength(1)
      const by = results.findIndex(({ ok }) => ok)
      expect(await table.get(key)).toEqual(item('p', 's', { n: 1, by }))
    })

    test('a token makes a repeated transaction answer as the first time', async () => {
      const table = await newTable()
      const actions: Action[] = [
        { ...put('p', 's', { n: 1 }), condition: { exists: false } } as Action,
      ]
      expect(await table.transact(actions, 'token-1')).toEqual({ ok: true })
      expect(await table.transact(actions, 'token-1')).toEqual({ ok: true })
      expect((await table.transact(actions, 'token-2')).ok).toBe(false)
      await expect(table.transact([put('p', 't', {})], 'token-1')).rejects.toThrow(TableError)
      expect(await table.get({ partition: 'p', sort: 't' })).toBeUndefined()
    })

    test('a transaction takes 100 actions on distinct items, and no more', async () => {
      const table = await newTable()
      const actions = Array.from({ length: transactActionsMax }, (_, i) => put('p', `${i}`, { i }))
      expect(await table.transact(actions)).toEqual({ ok: true })
      expect((await table.query('p')).items).toHaveLength(transactActionsMax)
      const refused = [
        [...actions, put('p', 'more', {})],
        [put('p', 'x', {}), put('p', 'x', { again: true })],
        [],
      ]
      for (const wrong of refused) {
        const error = await table.transact(wrong).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(TableError)
        expect((error as TableError).retryable).toBe(false)
      }
    })
  })
}
