// A broker as a process of its own, with its data in a folder: prints its port; ends well on SIGTERM.
//
//   node disk-broker.ts FOLDER [config=value]...

import { createBroker } from '@sluice/broker/running-broker'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { SqliteTable } from '@sluice/core/host/local/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeDisk } from '@sluice/core/host/node/disk'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { NodeRandom } from '@sluice/core/host/node/random'
import { Metrics } from '@sluice/core/metrics/metrics'

const [folder, ...pairs] = process.argv.slice(2)
const overrides = Object.fromEntries(pairs.map((pair) => pair.split('=')))
const result = brokerConfig({ 'log.dirs': folder, ...overrides })
if (!result.ok) throw new Error(result.errors[0].message)
const clock = new NodeClock()
const network = new NodeNetwork()
const complain = (fields: object, message: string) => console.error(message, fields)
const broker = await createBroker({
  host: {
    clock,
    random: new NodeRandom(),
    disk: new NodeDisk(),
    network,
    table: await SqliteTable.open(`${folder}/sluice.sqlite`, clock),
    logger: { debug() {}, info() {}, warn: complain, error: complain },
  },
  config: result.config,
  listeners: [
    { name: 'PLAINTEXT', network, bind: { host: '127.0.0.1', port: 0 }, advertised: 'bound' },
  ],
  metrics: new Metrics(),
})
process.stdout.write(`${broker.listeners[0].bound.port}\n`)
process.on('SIGTERM', async () => {
  await broker.close()
  process.exit(0)
})
