// What an action does to one item: the semantics of table.ts as a pure function, shared by the
// implementations that hold the items themselves (SQLite, memory).

import { isDeepStrictEqual } from 'node:util'
import type { Action, Condition, Item, ItemKey, WriteResult } from './table.ts'
import { TableError, transactActionsMax } from './table.ts'

/** A transaction's token is remembered this long. */
export const tokenLifetimeMs = 10 * 60_000

/** The item's key; a put carries it in the item. */
export function keyOf(action: Action): ItemKey {
  return action.kind === 'put' ? action.item : action.key
}

/** Whether the action may be done to the item as it stands. */
export function isAllowed(action: Action, current: Item | undefined): boolean {
  if (action.kind === 'update' && current === undefined) return false
  return action.condition === undefined || holds(action.condition, current)
}

/** The item after an allowed action; undefined when there is none. */
export function applied(action: Action, current: Item | undefined): Item | undefined {
  switch (action.kind) {
    case 'put':
      return action.item
    case 'update':
      return { ...action.key, value: { ...current?.value, ...action.set } }
    case 'delete':
      return undefined
    case 'check':
      return current
  }
}

/** The first action that is not allowed, as a result; undefined when all are. */
export function firstConflict(
  actions: readonly Action[],
  current: (key: ItemKey) => Item | undefined,
): WriteResult | undefined {
  for (const [index, action] of actions.entries()) {
    const item = current(keyOf(action))
    if (!isAllowed(action, item)) return { ok: false, index, current: item }
  }
  return undefined
}

/** Throws TableError (a bug of the caller) for a transaction that no table takes. */
export function validateTransaction(actions: readonly Action[]): void {
  if (actions.length === 0 || actions.length > transactActionsMax) {
    const detail = `a transaction takes 1 to ${transactActionsMax} actions, got ${actions.length}`
    throw new TableError(detail, { retryable: false })
  }
  const seen = new Set<string>()
  for (const action of actions) {
    const { partition, sort } = keyOf(action)
    const key = JSON.stringify([partition, sort])
    if (seen.has(key)) {
      throw new TableError(`two actions on one item ${key}`, { retryable: false })
    }
    seen.add(key)
  }
}

function holds(condition: Condition, item: Item | undefined): boolean {
  if (condition.exists !== undefined && condition.exists !== (item !== undefined)) return false
  if (condition.equals === undefined) return true
  if (item === undefined) return false
  return Object.entries(condition.equals).every(
    ([name, wanted]) =>
      Object.hasOwn(item.value, name) && isDeepStrictEqual(item.value[name], wanted),
  )
}
