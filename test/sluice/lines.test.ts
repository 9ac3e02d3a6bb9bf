import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lines } from '../../packages/sluice/src/lines.ts'

async function* chunked(text: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  let at = 0
  for (const size of sizes) {
    if (at >= text.length) return
    yield text.subarray(at, at + size)
    at += size
  }
  if (at < text.length) yield text.subarray(at)
}

async function collect(text: Buffer, sizes: number[] = []): Promise<string[]> {
  const found: string[] = []
  for await (const some of lines(chunked(text, sizes), { lineBytesMax: 1000 })) {
    for (const line of some) found.push(line.toString('latin1'))
  }
  return found
}

describe('lines', () => {
  test.each([
    ['', []],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\nb', ['a', 'b']],
    ['\n\na\n', ['', '', 'a']],
    ['a\r\nb\r\n', ['a\r', 'b\r']],
  ])('%j', async (text, expected) => {
    expect(await collect(Buffer.from(text))).toEqual(expected)
  })

  test('are the same however the bytes come in', async () => {
    const bytes = fc.array(fc.constantFrom(0x0a, 0x61, 0x0d, 0xff), { maxLength: 60 })
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(bytes, sizes, async (values, cuts) => {
        const text = Buffer.from(values)
        const parts = text.toString('latin1').split('\n')
        if (parts.at(-1) === '') parts.pop()
        expect(await collect(text, cuts)).toEqual(parts)
      }),
      { numRuns: 200 },
    )
  })

  test('a line that never ends is refused before it fills the memory', async () => {
    const endless = Buffer.alloc(5000, 'x')
    await expect(collect(endless, [500, 500, 500, 500])).rejects.toThrow('longer than 1000 bytes')
  })
})
