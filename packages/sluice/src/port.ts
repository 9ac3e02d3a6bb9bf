// One port for all: a connection's first byte tells what it speaks.
//
//   A-Z        an HTTP method
//   0x16       a TLS handshake record
//   the rest   Kafka: the high byte of a frame's size, 0 to 6 as frames are at most 100 MB
//
// The socket is handed to its server with the bytes unread; Kafka's stays with the network.

import type { Socket } from 'node:net'
import type { Divert } from '@sluice/core/host/node/network'

export type PortProtocol = 'http' | 'tls' | 'kafka'

const tlsHandshake = 0x16

export function portProtocol(firstBytes: Buffer): PortProtocol {
  const first = firstBytes[0]
  if (first >= 0x41 && first <= 0x5a) return 'http'
  return first === tlsHandshake ? 'tls' : 'kafka'
}

/** For NodeNetwork: who takes which socket. Without `tls` a TLS connection is closed. */
export function sharedPort(servers: {
  http: (socket: Socket) => void
  tls?: (socket: Socket) => void
}): Divert {
  const tls = servers.tls ?? ((socket) => socket.destroy())
  return (firstBytes) => {
    const protocol = portProtocol(firstBytes)
    if (protocol === 'kafka') return undefined
    return protocol === 'http' ? servers.http : tls
  }
}
