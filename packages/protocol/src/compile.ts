// Turns a message's schema, at one version, into one flat reader and one flat writer: JavaScript
// source, made on first use. Branches on versions and nullability are taken here, once.
//
// Nothing but constants of ours reaches the source: field names that schema.ts has checked,
// integers, and everything else through the array of constants `c`. No input of a client ever does.
import { ReadEmitter } from './emit-read.ts'
import { WriteEmitter } from './emit-write.ts'
import type { Source } from './emitter.ts'
import { contextOf } from './layout.ts'
import type { Message, Read, Write } from './schema.ts'

/** Whether this runtime lets us: some forbid making code from strings. */
export const canCompile: boolean = (() => {
  try {
    return new Function('return true')() as boolean
  } catch {
    return false
  }
})()

export function compileRead(message: Message, version: number): Read {
  return instantiate(readSource(message, version)) as Read
}

export function compileWrite(message: Message, version: number): Write {
  return instantiate(writeSource(message, version)) as Write
}

function instantiate({ code, constants }: Source): unknown {
  return new Function('c', `'use strict'\nreturn ${code}`)(constants)
}

export function readSource(message: Message, version: number): Source {
  const emitter = new ReadEmitter(contextOf(message, version))
  const result = emitter.struct(message.fields)
  emitter.line(`return ${result}`)
  return emitter.source(`read${message.name}V${version}`, 'r')
}

export function writeSource(message: Message, version: number): Source {
  const emitter = new WriteEmitter(contextOf(message, version))
  emitter.struct(message.fields, 'v')
  return emitter.source(`write${message.name}V${version}`, 'w, v')
}
