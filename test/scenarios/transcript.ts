// Transcripts: what a machine does, written as commands and the output expected of each, for people to
// read. A file is a list of blocks, parted by empty lines:
//
//   # why this matters            (comments stand before the command)
//   join as=alice
//   ----
//   #1 joined MEMBER_ID_REQUIRED alice
//
// REWRITE=1 vitest run <test> writes what came out into the file. Read the diff before it is committed.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

const folder = import.meta.dirname
const divider = '----'

interface Block {
  readonly head: string[]
  readonly expected: string
}

/** One command line to the lines it puts out. */
export type Interpreter = (command: Command) => readonly string[]

export interface Command {
  readonly name: string
  /** Words without `=`, after the name. */
  readonly words: readonly string[]
  readonly options: ReadonlyMap<string, string>
}

export function transcripts(prefix: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith(prefix) && name.endsWith('.txt'))
}

/** Runs the file against a fresh interpreter; fails on the first difference, or rewrites the file. */
export function runTranscript(fileName: string, interpreter: Interpreter): void {
  const path = join(folder, fileName)
  const blocks = parseBlocks(readFileSync(path, 'utf8'))
  const rewritten = blocks.map(({ head, expected }) => {
    const line = head.find((text) => text !== '' && !text.startsWith('#'))
    if (line === undefined) return head.join('\n')
    const actual = interpreter(parseCommand(line)).join('\n')
    if (process.env.REWRITE !== '1') expect(actual, `${fileName}: ${line}`).toBe(expected)
    return [...head, divider, actual].join('\n')
  })
  if (process.env.REWRITE === '1') writeFileSync(path, `${rewritten.join('\n\n')}\n`)
}

function parseBlocks(text: string): Block[] {
  return text
    .split(/\n{2,}/)
    .map((block) => block.trimEnd())
    .filter((block) => block !== '')
    .map((block) => {
      const lines = block.split('\n')
      const at = lines.indexOf(divider)
      if (at === -1) return { head: lines, expected: '' }
      return { head: lines.slice(0, at), expected: lines.slice(at + 1).join('\n') }
    })
}

function parseCommand(line: string): Command {
  const [name, ...rest] = line.trim().split(/\s+/)
  const options = new Map<string, string>()
  const words: string[] = []
  for (const word of rest) {
    const at = word.indexOf('=')
    if (at === -1) words.push(word)
    else options.set(word.slice(0, at), word.slice(at + 1))
  }
  return { name, words, options }
}
