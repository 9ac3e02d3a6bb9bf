// Lines: cuts a stream of bytes at newlines, a chunk's worth of lines at a time, without copying: a
// line is a view on its chunk, and only one that spans chunks is put together. The last line needs no
// newline. Bytes are passed on as they are ("\r" too); a line longer than the limit is a Failure.

import { Failure } from './failure.ts'

const newline = 0x0a

export async function* lines(
  input: AsyncIterable<Buffer>,
  options: { lineBytesMax: number },
): AsyncGenerator<Buffer[]> {
  const { lineBytesMax } = options
  let begun: Buffer[] = []
  let begunBytes = 0
  for await (const chunk of input) {
    const whole: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = chunk.subarray(start, end)
      whole.push(begunBytes === 0 ? line : Buffer.concat([...begun, line]))
      if (begunBytes > 0) {
        begun = []
        begunBytes = 0
      }
      start = end + 1
    }
    if (start < chunk.length) {
      begun.push(chunk.subarray(start))
      begunBytes += chunk.length - start
      if (begunBytes > lineBytesMax) {
        throw new Failure(`a line is longer than ${lineBytesMax} bytes`, {
          hint: 'raise -X max.request.size=… and message.max.bytes of the broker',
        })
      }
    }
    if (whole.length > 0) yield whole
  }
  if (begunBytes > 0) yield [Buffer.concat(begun)]
}
