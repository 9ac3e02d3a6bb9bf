// Not a benchmark: what Node alone costs to take a record by POST and to show it to readers of server-sent events;
// run by sse.ts.
//
//   node plain-events.ts PORT
//
// Each body is sent as it came to all who are reading, in an event of the form that Sluice's have, then answered.

import { createServer, type ServerResponse } from 'node:http'

const readers = new Set<ServerResponse>()
let offset = 0

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url === '/readyz') {
    response.end()
    return
  }
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 1000\n\n')
    readers.add(response)
    response.on('close', () => readers.delete(response))
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const value = Buffer.concat(chunks).toString()
    const place = `"partition":0,"offset":${offset++},"timestamp":${Date.now()}`
    const event = `event: record\nid: ${offset}\ndata: {${place},"key":null,"value":${value}}\n\n`
    for (const reader of readers) reader.write(event)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"results":[{${place}}],"ack":"durable"}`)
  })
})
server.listen(Number(process.argv[2]), '127.0.0.1')
