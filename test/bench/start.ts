// From start to the first acknowledged record, and memory at rest: the process of `npm start`, and Sluice.start().
//
//   npm run bench -- start [--rounds 7]
//
// A record counts as acknowledged when a Produce with acks=all to a topic that did not exist is answered. The client
// speaks the protocol with the codecs alone, so that it costs next to nothing; the first round warms the compile cache.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Api, apis } from '@sluice/protocol/apis'
import { FrameReader, readResponse, requestFrame } from '@sluice/protocol/frame'
import { encodeBatch } from '@sluice/protocol/records/record'
import type { Decoded, Encodable, Message } from '@sluice/protocol/schema'
import { median, range, residentMegabytes } from '../lib/process-figures.ts'
import { freePort, sluiceCommand } from '../outside/target.ts'

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } })
const rounds = Number(options.rounds)
const topic = 'first'

/** One request at a time on one connection. */
async function ask<Q extends Message, S extends Message>(
  socket: Socket,
  api: Api<Q, S>,
  version: number,
  body: Encodable<Q>,
): Promise<Decoded<S>> {
  const answered = Promise.withResolvers<Buffer>()
  const reader = new FrameReader({ maxBytes: 1 << 24, onFrame: answered.resolve })
  const onData = (bytes: Buffer) => reader.push(bytes)
  socket.on('data', onData).once('error', answered.reject)
  socket.write(Buffer.concat(requestFrame(api, version, 1, 'bench', body)))
  const frame = await answered.promise
  socket.off('data', onData)
  return readResponse(api, version, frame).body
}

/** Resolves when the record has its acknowledgement. */
async function firstRecord(port: number): Promise<void> {
  const socket = await connected(port)
  const topics = [{ name: topic }]
  const records = encodeBatch({
    records: [{ timestamp: Date.now(), key: null, value: Buffer.from('hello'), headers: [] }],
  })
  for (;;) {
    const metadata = await ask(socket, apis.metadata, 7, { topics, allowAutoTopicCreation: true })
    if (metadata.topics[0].errorCode === 0) break
    await new Promise((done) => setTimeout(done, 1))
  }
  const answer = await ask(socket, apis.produce, 7, {
    acks: -1,
    timeoutMs: 5_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  socket.destroy()
  const { errorCode } = answer.responses[0].partitionResponses[0]
  if (errorCode !== 0) throw new Error(`Produce answered ${errorCode}`)
}

async function connected(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const open = await new Promise<boolean>((done) => {
      socket.once('connect', () => done(true)).once('error', () => done(false))
    })
    if (open) return socket
    await new Promise((done) => setTimeout(done, 1))
  }
}

async function ofProcess(): Promise<{ ms: number; restingMegabytes: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-start-'))
  const port = await freePort()
  const [command, ...args] = sluiceCommand
  const begin = performance.now()
  const child = spawn(command, [...args, 'dev', '--port', String(port), '--data', folder], {
    stdio: 'ignore',
  })
  await firstRecord(port)
  const ms = performance.now() - begin
  await new Promise((done) => setTimeout(done, 2_000))
  const restingMegabytes = residentMegabytes(child.pid!).now
  const ended = new Promise((done) => child.on('close', done))
  child.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
  return { ms, restingMegabytes }
}

async function embedded(): Promise<number> {
  const { Sluice } = await import('../../packages/sluice/src/embed.ts')
  const begin = performance.now()
  await using sluice = await Sluice.start()
  await firstRecord(Number(sluice.bootstrapServers.split(':')[1]))
  return performance.now() - begin
}

const processes = []
for (let i = 0; i <= rounds; i++) processes.push(await ofProcess())
const warm = processes.slice(1)
const times = warm.map(({ ms }) => ms)
const resting = warm.map(({ restingMegabytes }) => restingMegabytes)
console.log(
  `sluice dev to the first acknowledged record: ${median(times).toFixed(0)} ms (${range(times)}), ` +
    `first start ${processes[0].ms.toFixed(0)} ms; at rest ${median(resting).toFixed(0)} MB resident`,
)
const cold = await embedded()
const embeddedTimes: number[] = []
for (let i = 0; i < rounds; i++) embeddedTimes.push(await embedded())
console.log(
  `Sluice.start() to the first acknowledged record: ${median(embeddedTimes).toFixed(0)} ms ` +
    `(${range(embeddedTimes)}), the first in a process ${cold.toFixed(0)} ms`,
)
process.exit(0)
