// What the tests of the client begin with: a network in memory, a clock, and clients on them.

import { silentLogger } from '../../../packages/core/src/host/logger.ts'
import { MemoryNetwork } from '../../../packages/core/src/host/memory/network.ts'
import { SeededRandom } from '../../../packages/core/src/host/memory/random.ts'
import { NodeClock } from '../../../packages/core/src/host/node/clock.ts'
import {
  KafkaClient,
  type KafkaClientOptions,
} from '../../../packages/core/src/kafka-client/kafka-client.ts'
import { ScriptedBroker } from './scripted-broker.ts'

export async function scripted(options: Partial<KafkaClientOptions> = {}) {
  const clock = new NodeClock()
  const network = new MemoryNetwork(clock)
  const broker = await ScriptedBroker.start(network, clock)
  broker.topics = { topic: { id: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: 2 } }
  const client = new KafkaClient({
    network,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    bootstrap: [broker.address],
    clientId: 'test',
    backoff: { firstMs: 2, maxMs: 20 },
    ...options,
  })
  return { broker, client, clock, network }
}
