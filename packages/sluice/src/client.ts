// Client: how a command reaches a broker: the --bootstrap option, Kafka's client configs by -X, and a
// KafkaClient on this machine's network. What goes wrong becomes a Failure of one line.

import {
  type ConsumerConfig,
  consumerConfig,
  type ProducerConfig,
} from '@sluice/core/config/client-config'
import {
  type ConfigEntry,
  type ConfigError,
  configErrorText,
} from '@sluice/core/config/config-entry'
import { silentLogger } from '@sluice/core/host/logger'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { NodeRandom } from '@sluice/core/host/node/random'
import { clientOptions } from '@sluice/core/kafka-client/client-options'
import { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { errors } from '@sluice/protocol/errors'
import { addresses } from './arguments.ts'
import { Failure, usageFailure } from './failure.ts'

type ClientConfig = ProducerConfig | ConsumerConfig

/** How long a command looks for a broker before it gives up. */
const reachTimeoutMs = 10_000
/** Longer than any command runs. */
const foreverMs = 2 ** 31 - 1

/** Runs `work` with a client, which is closed after it. */
export async function withClient<T>(
  bootstrap: string,
  config: ClientConfig,
  work: (client: KafkaClient) => Promise<T>,
): Promise<T> {
  const client = newClient(bootstrap, config)
  // Timers of a Clock do not keep a process alive; a command that waits for one is not at its end.
  const keepAlive = setInterval(() => {}, foreverMs)
  try {
    await reach(client, bootstrap)
    return await work(client)
  } catch (error) {
    throw error instanceof KafkaError ? kafkaFailure(error, bootstrap) : error
  } finally {
    client.close()
    clearInterval(keepAlive)
  }
}

/** As `withClient`, with no client configs but their defaults. */
export async function withCluster<T>(
  bootstrap: string,
  work: (client: KafkaClient) => Promise<T>,
): Promise<T> {
  const defaults = consumerConfig({})
  if (!defaults.ok) throw invalidConfigs(defaults.errors)
  return withClient(bootstrap, defaults.config, work)
}

function newClient(bootstrap: string, config: ClientConfig): KafkaClient {
  if (config['security.protocol'] !== 'PLAINTEXT') {
    throw usageFailure(
      `security.protocol=${config['security.protocol']}: TLS and SASL are not there yet`,
    )
  }
  return new KafkaClient({
    network: new NodeNetwork(),
    clock: new NodeClock(),
    random: new NodeRandom(),
    logger: silentLogger,
    bootstrap: addresses(bootstrap),
    clientId: config['client.id'] || 'sluice',
    ...clientOptions(config),
  })
}

/** One look at the cluster, so that a broker that is not there is said at once. */
async function reach(client: KafkaClient, bootstrap: string): Promise<void> {
  const timeout = AbortSignal.timeout(reachTimeoutMs)
  const late = new Promise<never>((_resolve, reject) => {
    timeout.addEventListener('abort', () => reject(unreachable(bootstrap)))
  })
  await Promise.race([client.metadata([], { refresh: true }), late])
}

function unreachable(bootstrap: string): Failure {
  return new Failure(`no broker answers at ${bootstrap}`, {
    hint: 'is one running? `sluice dev` starts one, --bootstrap names another place',
  })
}

/** `error` as the one line that a user needs. */
export function kafkaFailure(error: KafkaError, bootstrap: string): Failure {
  if (error.code === errors.NETWORK_EXCEPTION) return unreachable(bootstrap)
  return new Failure(`${error.message} (${error.name})`, { cause: error })
}

export function invalidConfigs(found: readonly ConfigError[]): Failure {
  return usageFailure(found.map(configErrorText).join('\nsluice: '))
}

/** Client configs given by -X; --bootstrap stands for bootstrap.servers. */
export function bootstrapOf(option: string, config: ClientConfig, given: ConfigEntry[]): string {
  const byConfig = given.some(({ name }) => name === 'bootstrap.servers')
  return byConfig ? config['bootstrap.servers'].join(',') : option
}
