import { decode, encode } from '@sluice/protocol/codec'
import { compileRead, compileWrite } from '@sluice/protocol/compile'
import { defaultOf } from '@sluice/protocol/defaults'
import { interpretRead, interpretWrite } from '@sluice/protocol/interpret'
import { Reader } from '@sluice/protocol/reader'
import type { Fields, Type } from '@sluice/protocol/schema'
import { Writer } from '@sluice/protocol/writer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messages, valuesOf, versionsOf } from './messages.ts'

// What decoding yields for a value that was encoded: defaults where it leaves something out.
function complete(fields: Fields, value: Record<string, unknown>): Record<string, unknown> {
  const whole: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const given = value[name]
    whole[name] = given === undefined ? defaultOf(field) : completeValue(field.type, given)
  }
  if (value['unknownTags'] !== undefined) whole['unknownTags'] = value['unknownTags']
  return whole
}

function completeValue(type: Type, value: unknown): unknown {
  if (value === null) return null
  if (type.kind === 'array') return (value as unknown[]).map((one) => completeValue(type.of, one))
  if (type.kind === 'struct') return complete(type.fields, value as Record<string, unknown>)
  return value
}

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.begin()
  write(writer)
  return Buffer.concat(writer.finish())
}

describe('every message at every version', () => {
  for (const message of messages) {
    it(message.name, () => {
      for (const version of versionsOf(message)) {
        const read = compileRead(message, version)
        const write = compileWrite(message, version)
        const agrees = fc.property(valuesOf(message, version), (value) => {
          const wire = written((writer) => write(writer, value))
          const slow = written((writer) => interpretWrite(message, version, writer, value))
          expect(wire.equals(slow)).toBe(true)

          const reader = new Reader(wire)
          const decoded = read(reader)
          expect(reader.at).toBe(wire.length)
          expect(decoded).toEqual(complete(message.fields, value as Record<string, unknown>))
          expect(decoded).toEqual(interpretRead(message, version, new Reader(wire)))

          expect(Buffer.concat(encode(message, version, decode(message, version, wire)))).toEqual(
            wire,
          )
        })
        fc.assert(agrees, { numRuns: 20 })
      }
    })
  }
})
