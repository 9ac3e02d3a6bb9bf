// A broker as a process of its own on loopback, all in memory: prints its port, ends with its stdin.
//
//   node loopback-broker.ts [config=value]...

import { createBroker } from '@sluice/broker/running-broker'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { NodeRandom } from '@sluice/core/host/node/random'
import { Metrics } from '@sluice/core/metrics/metrics'

const overrides = Object.fromEntries(process.argv.slice(2).map((pair) => pair.split('=')))
const result = brokerConfig({ 'log.dirs': '/data', ...overrides })
if (!result.ok) throw new Error(result.errors[0].message)
const clock = new NodeClock()
const network = new NodeNetwork()
const broker = await createBroker({
  host: {
    clock,
    random: new NodeRandom(),
    disk: new MemoryDisk(),
    network,
    table: new MemoryTable(new MemoryTableStore(clock)),
    logger: silentLogger,
  },
  config: result.config,
  listeners: [
    { name: 'PLAINTEXT', network, bind: { host: '127.0.0.1', port: 0 }, advertised: 'bound' },
  ],
  metrics: new Metrics(),
})
process.stdout.write(`${broker.listeners[0].bound.port}\n`)
process.stdin.on('end', async () => {
  await broker.close()
  process.exit(0)
})
process.stdin.resume()
