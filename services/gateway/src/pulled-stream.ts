// A response body that is made as the socket takes it: nothing is read from the log before what was read
// has left. Whatever ends it (the reader, the client, an error), `onEnd` is called once.

export interface PulledStream {
  /** The next piece; undefined at the end. */
  next(): Promise<Buffer | undefined>
  /** The client has gone: `next` should return soon. */
  interrupt(): void
  /** `next` threw: the client must not take what it has for the whole. */
  breakOff(error: unknown): void
  onEnd(): void
}

export function pulledStream(source: PulledStream): ReadableStream<Uint8Array> {
  let ended = false
  const end = () => {
    if (!ended) source.onEnd()
    ended = true
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const piece = await source.next()
          if (ended) return
          if (piece) {
            controller.enqueue(piece)
            return
          }
          end()
          controller.close()
        } catch (error) {
          if (!ended) source.breakOff(error)
          end()
        }
      },
      cancel() {
        source.interrupt()
        end()
      },
    },
    { highWaterMark: 0 },
  )
}
