// Progress: a bar on standard error while a file is read; nothing where nobody would see it, or where
// the end is not known.

import cliProgress from 'cli-progress'

export interface Progress {
  /** Passes `input` on, counting. */
  watch(input: AsyncIterable<Buffer>): AsyncIterable<Buffer>
  stop(): void
}

/** `bytes`: how much there is to read, if that is known. */
export function progressBar(bytes: number | undefined): Progress {
  if (!process.stderr.isTTY || bytes === undefined) return { watch: (input) => input, stop() {} }
  const bar = new cliProgress.SingleBar({
    format: '{bar} {percentage}% | {value} of {total} bytes | {eta_formatted} to go',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start(bytes, 0)
  return {
    async *watch(input) {
      for await (const chunk of input) {
        bar.increment(chunk.length)
        yield chunk
      }
    },
    stop: () => bar.stop(),
  }
}
