// What a field is worth in a version that does not carry it. Arrays and structs are made anew each
// time: a decoded message belongs to its receiver, who may change it.
import type { Field, Fields } from './schema.ts'

export function defaultOf(field: Field): unknown {
  if (field.default !== undefined) return field.default
  return field.type.kind === 'struct' ? defaultStruct(field.type.fields) : []
}

export function defaultStruct(fields: Fields): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) value[name] = defaultOf(field)
  return value
}

/** Whether a version that lacks the field may be asked to carry `value`; undefined is left out. */
export function isDefault(field: Field, value: unknown): boolean {
  if (value === undefined) return true
  if (value === null || field.default === null) return value === field.default
  switch (field.type.kind) {
    case 'array':
      return (value as readonly unknown[]).length === 0
    case 'bytes':
      return (value as Uint8Array).length === 0
    case 'struct':
      return isDefaultStruct(field.type.fields, value as Record<string, unknown>)
    default:
      return value === field.default
  }
}

function isDefaultStruct(fields: Fields, value: Record<string, unknown>): boolean {
  const unknownTags = value['unknownTags'] as readonly unknown[] | undefined
  if (unknownTags !== undefined && unknownTags.length > 0) return false
  return Object.entries(fields).every(([name, field]) => isDefault(field, value[name]))
}
