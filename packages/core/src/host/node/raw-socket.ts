// Sockets that read into one static buffer shared by all connections (net's `onread`): a quarter of the
// CPU a byte of 'data' events, and no memory a connection.
//
// net.connect takes `onread`; sockets that a server accepts do not. For those the handle is taken out of
// the accepted socket and a new net.Socket is built over it. `_handle` is not documented: where it is
// not what we know, `undefined` comes back and the caller reads by 'data' events instead.

import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'

export const receiveBufferBytes = 256 * 1024

const receiveBuffer = Buffer.allocUnsafeSlow(receiveBufferBytes)

/** Node's TCP wrap, as far as it is needed here. */
interface Handle {
  reading: boolean
  readStop(): unknown
}

interface WithHandle {
  _handle: Partial<Handle> | null
}

/** Reads into the shared buffer; `onData` gets a view that is valid until it returns. */
export function onreadOptions(onData: (view: Buffer) => void): OnReadOpts {
  return {
    buffer: receiveBuffer,
    callback(bytes: number) {
      onData(receiveBuffer.subarray(0, bytes))
      return true
    },
  }
}

/** A socket over the handle of an accepted one, which is dead afterwards. */
export function rebuildWithOnread(
  accepted: Socket,
  options: { highWaterMark: number; onData: (view: Buffer) => void },
): Socket | undefined {
  const bare = accepted as unknown as WithHandle
  const handle = bare._handle
  if (typeof handle?.readStop !== 'function' || typeof handle.reading !== 'boolean')
    return undefined
  if (handle.reading) {
    handle.reading = false
    handle.readStop()
  }
  bare._handle = null
  const construction = {
    handle,
    highWaterMark: options.highWaterMark,
    onread: onreadOptions(options.onData),
  }
  return new Socket(construction as unknown as SocketConstructorOpts)
}
