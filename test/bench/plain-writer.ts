// Not a benchmark: what the kernel and Node alone cost to give the same bytes to many sockets; run by tail.ts.
//
//   node plain-writer.ts BATCH_BYTES
//
// Prints its port, and writes a batch to each connection whenever one is due. Each line of its input says how many
// bytes a second that is from now on; it ends with its input.

import { createServer, type Socket } from 'node:net'

const batch = Buffer.alloc(Number(process.argv[2]), 'x')
const sockets = new Set<Socket>()
let bytesPerSecond = 0
let began = performance.now()
let written = 0

const server = createServer({ noDelay: true }, (socket) => {
  sockets.add(socket)
  socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  socket.resume()
})
server.listen({ host: '127.0.0.1', port: 0 }, () => {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  console.log(address.port)
})
setInterval(() => {
  const due = Math.floor((((performance.now() - began) / 1000) * bytesPerSecond) / batch.length)
  for (; written < due; written++) for (const socket of sockets) socket.write(batch)
}, 1)
process.stdin.on('data', (line) => {
  bytesPerSecond = Number(line)
  began = performance.now()
  written = 0
})
process.stdin.on('end', () => process.exit(0))
