// npm run chaos -- acknowledge-sweep [--faults kill,EIO,ENOSPC] [--records 4]   at each call, with a producer
//
// One `sluice dev` process under strace, with a topic that is flushed before each acknowledgement and rolls at every
// third record. An idempotent producer sends the same load again and again, one record after another; each time the
// next write, flush, cut, rename or removal that the broker makes on its disk is the one at which it is killed, or
// that is answered with EIO or ENOSPC. The producer goes on over that; the broker, killed in any case, is started
// again, and the topic must hold all that was ever sent, in its order, once. Exit status 1 where it does not.

import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Admin } from '@sluice/core/kafka-client/admin'
import { Producer } from '@sluice/core/kafka-client/producer'
import { freePort } from '../lib/free-port.ts'
import { readTopic } from '../processes/history.ts'
import { newClient } from '../processes/loads.ts'
import { type RunningBroker, startBroker, temporaryFolder } from '../sluice/command.ts'
import { type Call, needStrace, Strace, traced } from './syscalls/strace.ts'
import type { Fault } from './syscalls/sweep-trace.ts'

const { values: options } = parseArgs({
  options: {
    faults: { type: 'string', default: 'kill,EIO,ENOSPC' },
    records: { type: 'string', default: '4' },
  },
})
/** With these no socket is written to. */
const calls: readonly Call[] = [
  ...(['pwrite64', 'pwritev', 'ftruncate', 'fdatasync', 'fsync', 'rename', 'unlink'] as const),
]
const topic = 'acknowledged'
const segmentBytes = 2000
const valueBytes = 500
const deliveryTimeoutMs = 120_000
/** A broker without its only log directory ends by itself. */
const endsWithinMs = 2000

console.log(`acknowledge-sweep: ${needStrace()}`)
/** The client's timers alone would not keep this process alive while there is no broker. */
const alive = setInterval(() => {}, 60_000)
using folder = temporaryFolder()
const port = await freePort()
const args = ['dev', '--port', `${port}`, '--data', folder.path, '--json']
let broker: RunningBroker = await startBroker(args, { env: traced })
const client = newClient(port)
const configs = { 'internal.segment.bytes': `${segmentBytes}`, 'flush.messages': '1' }
await new Admin(client).createTopics([{ name: topic, partitionCount: 1, configs }])
const producer = new Producer(client, { idempotent: true, deliveryTimeoutMs })
const sent: string[] = []
const violations: string[] = []
await send()

console.log(['fault', 'call', 'faults', 'violations'].map((text) => text.padEnd(12)).join(''))
for (const fault of options.faults.split(',') as Fault[]) {
  for (const call of calls) {
    const before = violations.length
    let when = 1
    while (violations.length === before && (await faultAt(fault, call, when))) when += 1
    const figures = [fault, call, when - 1, violations.length - before]
    console.log(figures.map((figure) => String(figure).padEnd(12)).join(''))
  }
}
await producer.close()
await broker.end('SIGTERM')
client.close()
clearInterval(alive)
for (const violation of violations) console.log(`VIOLATION ${violation}`)
console.log(`${sent.length} records acknowledged; ${violations.length} violations`)
process.exitCode = violations.length > 0 ? 1 : 0

async function send(): Promise<void> {
  for (let i = 0; i < Number(options.records); i++) {
    const value = `record ${sent.length} `.padEnd(valueBytes, '.')
    const [{ offset }] = await producer.send(topic, [{ key: null, value: Buffer.from(value) }])
    // -1: stored before, at an offset that is not known any more.
    if (offset !== sent.length && offset !== -1) {
      violations.push(`record ${sent.length} was acknowledged at ${offset}`)
    }
    sent.push(value)
  }
}

/** @returns whether there was such a call. */
async function faultAt(fault: Fault, call: Call, when: number): Promise<boolean> {
  const where = `${fault} at ${call} ${when}`
  const what = fault === 'kill' ? 'signal=KILL' : `error=${fault}`
  using strace = new Strace({ calls: [call], what, when: `${when}` }, { pid: broker.pid })
  await strace.attached()
  const sending = send()
  const over = strace.ended().then(() => true)
  const ended = await Promise.race([over, sending.then(() => false)])
  const injected = ended || strace.injected()
  if (ended) broker = await startBroker(args, { env: traced })
  await sending
  if (!ended && injected) await Promise.race([over, pause(endsWithinMs)])
  if (fault !== 'kill' && injected && !ended && !broker.stderr().includes(fault)) {
    violations.push(`${where}: nothing says what happened`)
  }
  if (!ended && injected) {
    await broker.end('SIGKILL')
    broker = await startBroker(args, { env: traced })
  } else if (!ended) await strace.detach()
  const records = (await readTopic(client, topic, 1)).get(0) ?? []
  const found = records.map(({ value }) => value)
  if (found.length !== sent.length || found.some((value, i) => value !== sent[i])) {
    const first = sent.findIndex((value, i) => found[i] !== value)
    violations.push(`${where}: ${found.length} of ${sent.length}, ${first}: ${found[first]}`)
  }
  return injected
}
