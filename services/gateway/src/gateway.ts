// The HTTP gateway: a Kafka client with a face for curl and browsers. Everything that it does it asks of
// brokers as any client would; there is no second path into the log.
//
//   request -> guard (Host, Origin) -> routes -> KafkaClient -> brokers

import type { Clock } from '@sluice/core/host/clock'
import type { Logger } from '@sluice/core/host/logger'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { TimerQueue } from '@sluice/core/lib/timer-queue'
import type { Metrics } from '@sluice/core/metrics/metrics'
import { Endpoints, type GatewayEnv } from './endpoints.ts'
import { createGuard } from './guard.ts'
import { defaultLimits, type GatewayLimits } from './limits.ts'
import type { Problem } from './problem.ts'
import { Producers } from './producers.ts'
import { headerOf } from './request-body.ts'
import { Responder } from './responder.ts'
import { addOffsetsRoute } from './routes/offsets.ts'
import { addProduceRoutes } from './routes/produce.ts'
import { addReadRoutes } from './routes/read.ts'
import { addServiceRoutes } from './routes/service.ts'
import { addTopicRoutes } from './routes/topics.ts'
import { Streams } from './streams.ts'
import { Tails } from './tails.ts'
import { TopicAdmin } from './topic-admin.ts'
import { Traffic } from './traffic.ts'

export interface GatewayOptions {
  readonly client: KafkaClient
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** What /readyz says. */
  readonly ready: () => boolean
  /** Names by which requests may call this server, besides those of loopback; `*` for any. */
  readonly allowedHosts: readonly string[]
  readonly limits?: Partial<GatewayLimits>
  /** The class of its responses; see packages/sluice/src/http-server.ts. */
  readonly response?: typeof Response
}

export interface Gateway {
  fetch(request: Request, env?: GatewayEnv): Response | Promise<Response>
  /** Ends streams and long polls and brings what was produced to the brokers; the client stays open. */
  close(): Promise<void>
}

/** A record may be as large as a body; its batch needs a little more. */
const batchOverheadBytes = 64 * 1024

export function createGateway(options: GatewayOptions): Gateway {
  const { client, clock, logger, metrics, ready } = options
  const limits = { ...defaultLimits, ...options.limits }
  const responder = new Responder(options.response)
  const traffic = new Traffic(metrics)
  const guard = createGuard(options.allowedHosts)
  const requestId = requestIds(client.random.uuid())
  const endpoints = new Endpoints({ responder, limits, logger, requestId })
  const deadlines = new TimerQueue(clock)
  const tails = new Tails({ client, clock, deadlines })
  const streams = new Streams(limits.streamsMax, traffic)
  const producers = new Producers(client, limits.bodyBytesMax + batchOverheadBytes)
  const topics = new TopicAdmin(client)
  const shared = { endpoints, responder, client, clock, limits, traffic }
  addServiceRoutes({ endpoints, responder, metrics, ready })
  addTopicRoutes({ endpoints, responder, client, topics })
  addOffsetsRoute({ endpoints, responder, client })
  addProduceRoutes({ ...shared, producers })
  addReadRoutes({ ...shared, tails, streams, logger })

  function refuse(request: Request, problem: Problem): Response {
    const { pathname } = new URL(request.url)
    return responder.problem(problem, { requestId: requestId(), path: pathname })
  }

  function handle(request: Request, env: GatewayEnv): Response | Promise<Response> {
    const source = { request, incoming: env.incoming }
    const refusal = guard.check(headerOf(source, 'host'), headerOf(source, 'origin'))
    if (refusal) return refuse(request, refusal)
    if (streams.closing) return refuse(request, shuttingDown)
    return endpoints.app.fetch(request, env)
  }

  return {
    fetch(request, env = {}) {
      const begunMs = clock.monotonic()
      const answered = (response: Response) => {
        traffic.responded(response.status)
        traffic.latency.add(clock.monotonic() - begunMs)
        return response
      }
      const response = handle(request, env)
      return response instanceof Promise ? response.then(answered) : answered(response)
    },
    async close() {
      await streams.closeAll()
      await producers.close()
      tails.close()
      deadlines.close()
    },
  }
}

const shuttingDown: Problem = { code: 'unavailable', detail: 'the server is shutting down' }

/** Ids that are unique across gateways: a random prefix and a count. */
function requestIds(prefix: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}
