// What the tests of the client begin with: a broker, scripted or real, on a network in memory, and clients.

import type { Broker } from '@sluice/broker/broker'
import { FaultPlan } from '@sluice/broker/faults'
import { createBroker } from '@sluice/broker/running-broker'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryNetwork } from '@sluice/core/host/memory/network'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import type { Address, Network } from '@sluice/core/host/network'
import { NodeClock } from '@sluice/core/host/node/clock'
import { Admin } from '@sluice/core/kafka-client/admin'
import { KafkaClient, type KafkaClientOptions } from '@sluice/core/kafka-client/kafka-client'
import { Metrics } from '@sluice/core/metrics/metrics'
import { ScriptedBroker } from './scripted-broker.ts'

const brokerAddress = { host: 'broker', port: 9092 }

export async function scripted(options: Partial<KafkaClientOptions> = {}) {
  const clock = new NodeClock()
  const network = new MemoryNetwork(clock)
  const broker = await ScriptedBroker.start(network, clock)
  broker.topics = { topic: { id: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: 2 } }
  const client = clientOn({ network, clock, bootstrap: broker.address, options })
  return { broker, client, clock, network }
}

/** A broker of our own, and clients that are closed with it. */
export class Cluster implements AsyncDisposable {
  readonly clock: NodeClock
  readonly network: Network
  readonly broker: Broker
  readonly faults: FaultPlan
  readonly client: KafkaClient
  readonly #clients: KafkaClient[] = []

  private constructor(parts: {
    clock: NodeClock
    network: Network
    broker: Broker
    faults: FaultPlan
  }) {
    this.clock = parts.clock
    this.network = parts.network
    this.broker = parts.broker
    this.faults = parts.faults
    this.client = this.newClient()
  }

  static async start(configs: Record<string, string> = {}): Promise<Cluster> {
    const clock = new NodeClock()
    const network = new MemoryNetwork(clock)
    const faults = new FaultPlan()
    const config = brokerConfig({
      'log.dirs': '/data',
      'group.initial.rebalance.delay.ms': '0',
      ...configs,
    })
    if (!config.ok) throw new Error(config.errors[0].message)
    const broker = await createBroker({
      host: {
        clock,
        random: new SeededRandom('broker'),
        disk: new MemoryDisk(),
        network,
        table: new MemoryTable(new MemoryTableStore(clock)),
        logger: silentLogger,
      },
      config: config.config,
      nodeId: 1,
      metrics: new Metrics(),
      faults,
      listeners: [{ name: 'PLAINTEXT', network, bind: brokerAddress, advertised: 'bound' }],
    })
    return new Cluster({ clock, network, broker, faults })
  }

  newClient(options: Partial<KafkaClientOptions> = {}): KafkaClient {
    const { network, clock } = this
    const client = clientOn({ network, clock, bootstrap: brokerAddress, options })
    this.#clients.push(client)
    return client
  }

  async createTopic(name: string, partitionCount = 1, configs: Record<string, string> = {}) {
    const [created] = await new Admin(this.client).createTopics([{ name, partitionCount, configs }])
    if (created.error !== 0) throw new Error(`${name}: ${created.message}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.broker.close()
  }
}

function clientOn({
  network,
  clock,
  bootstrap,
  options,
}: {
  network: Network
  clock: NodeClock
  bootstrap: Address
  options: Partial<KafkaClientOptions>
}): KafkaClient {
  return new KafkaClient({
    network,
    clock,
    random: new SeededRandom('client'),
    logger: silentLogger,
    bootstrap: [bootstrap],
    clientId: 'test',
    backoff: { firstMs: 2, maxMs: 20 },
    ...options,
  })
}
