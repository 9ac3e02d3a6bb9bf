// All messages we have, and random values for any of them at any version.

import { apis } from '@sluice/protocol/apis'
import { consumerProtocolAssignment } from '@sluice/protocol/messages/internal/consumer-protocol-assignment'
import { consumerProtocolSubscription } from '@sluice/protocol/messages/internal/consumer-protocol-subscription'
import { groupMetadataKey } from '@sluice/protocol/messages/internal/group-metadata-key'
import { groupMetadataValue } from '@sluice/protocol/messages/internal/group-metadata-value'
import { offsetCommitKey } from '@sluice/protocol/messages/internal/offset-commit-key'
import { offsetCommitValue } from '@sluice/protocol/messages/internal/offset-commit-value'
import { stickyAssignorUserData } from '@sluice/protocol/messages/internal/sticky-assignor-user-data'
import {
  type Field,
  type Fields,
  includes,
  type Message,
  type PrimitiveKind,
  type Type,
} from '@sluice/protocol/schema'
import fc from 'fast-check'

export const messages: readonly Message[] = [
  ...Object.values(apis).flatMap((api): Message[] => [api.request, api.response]),
  offsetCommitKey,
  offsetCommitValue,
  groupMetadataKey,
  groupMetadataValue,
  consumerProtocolSubscription,
  consumerProtocolAssignment,
  stickyAssignorUserData,
]

export function versionsOf({ versions }: Message): number[] {
  return Array.from({ length: versions.max - versions.min + 1 }, (_, i) => versions.min + i)
}

/** Values that `version` can carry; fields that may be left out sometimes are. */
export function valuesOf(message: Message, version: number): fc.Arbitrary<object> {
  return structOf(message.fields, version, includes(message.flexible, version))
}

const buffer = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))

const primitives: Record<PrimitiveKind, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -0x80, max: 0x7f }),
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  uint16: fc.integer({ min: 0, max: 0xffff }),
  int32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  uint32: fc.integer({ min: 0, max: 0xffffffff }),
  int64: fc.maxSafeInteger(),
  clampedInt64: fc.maxSafeInteger(),
  bigint64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double({ noNaN: true }),
  uuid: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((bytes) => Buffer.from(bytes).toString('base64url')),
  // Both sides of the length up to which a compact prefix is one byte, and text beyond ASCII.
  string: fc.oneof(
    { weight: 4, arbitrary: fc.string({ maxLength: 20 }) },
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.string({ minLength: 40, maxLength: 140 }),
  ),
  bytes: buffer,
  records: fc.option(buffer),
}

const unknownTags = fc.uniqueArray(
  fc.record({ tag: fc.integer({ min: 100, max: 0x7ffffffe }), data: buffer }),
  { maxLength: 3, selector: ({ tag }) => tag },
)

function structOf(fields: Fields, version: number, flexible: boolean): fc.Arbitrary<object> {
  const parts: Record<string, fc.Arbitrary<unknown>> = {}
  const needed: string[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!includes(field.versions, version)) continue
    parts[name] = fieldOf(field, version, flexible)
    if (!field.omittable) needed.push(name)
  }
  const struct = fc.record(parts, { requiredKeys: needed })
  if (!flexible) return struct
  return fc.tuple(struct, fc.option(unknownTags, { freq: 8 })).map(([value, tags]) => {
    return tags === null || tags.length === 0
      ? value
      : { ...value, unknownTags: tags.sort((a, b) => a.tag - b.tag) }
  })
}

function fieldOf(field: Field, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const value = typeOf(field.type, version, flexible)
  return includes(field.nullable, version) ? fc.option(value, { freq: 4 }) : value
}

function typeOf(type: Type, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  if (type.kind === 'struct') return structOf(type.fields, version, flexible)
  if (type.kind === 'array') {
    return fc.array(typeOf(type.of, version, flexible), { maxLength: 3 })
  }
  return primitives[type.kind]
}
