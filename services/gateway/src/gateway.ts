// The HTTP gateway: a Kafka client with a face for curl and browsers. Everything that it does it asks of
// brokers as any client would; there is no second path into the log.
//
//   request -> guard (Host, Origin) -> routes -> KafkaClient -> brokers
//   response <- Responder: request id, CORS, content encoding

import type { Clock } from '@sluice/core/host/clock'
import type { Logger } from '@sluice/core/host/logger'
import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { BufferPool } from '@sluice/core/lib/buffer-pool'
import { TimerQueue } from '@sluice/core/lib/timer-queue'
import type { Metrics } from '@sluice/core/metrics/metrics'
import { Cors } from './cors.ts'
import { Endpoints } from './endpoints.ts'
import { ExactProduce } from './exact-produce.ts'
import type { Exchange, GatewayEnv } from './exchange.ts'
import { GroupOffsets } from './group-offsets.ts'
import { createGuard } from './guard.ts'
import { defaultLimits, type GatewayLimits } from './limits.ts'
import { mediaTypeOf } from './media-types.ts'
import type { Problem } from './problem.ts'
import { Producers } from './producers.ts'
import type { ResponseHeaders } from './reply.ts'
import { type BodySource, headerOf } from './request-body.ts'
import { Responder } from './responder.ts'
import { addGroupOffsetRoutes } from './routes/group-offsets.ts'
import { addGroupRoutes } from './routes/groups.ts'
import { addOffsetsRoute } from './routes/offsets.ts'
import { addProduceRoutes } from './routes/produce.ts'
import { addReadRoutes } from './routes/read.ts'
import { addServiceRoutes } from './routes/service.ts'
import { addTopicRoutes } from './routes/topics.ts'
import { comeBackText } from './sse.ts'
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
  /** Origins whose pages may call this server, as cors.ts says; none without. */
  readonly allowedOrigins?: readonly string[]
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
const adminTimeoutMs = 10_000
/** Memory of bodies that were stored, kept for those to come. */
const spareBodyBytesMax = 8 * 1024 * 1024

export function createGateway(options: GatewayOptions): Gateway {
  const { client, clock, logger, metrics, ready } = options
  const limits = { ...defaultLimits, ...options.limits }
  const responder = new Responder(options.response)
  const traffic = new Traffic(metrics)
  const cors = new Cors(options.allowedOrigins ?? [])
  const guard = createGuard(options.allowedHosts, (origin) => cors.allows(origin))
  const requestId = requestIds(client.random.uuid())
  const endpoints = new Endpoints({ responder, limits, logger })
  const deadlines = new TimerQueue(clock)
  const tails = new Tails({ client, clock, deadlines })
  const streams = new Streams(limits.streamsMax, traffic)
  // A quota on what is produced holds up nothing else.
  const lane = client.newLane('produce')
  const requestBytesMax = limits.bodyBytesMax + batchOverheadBytes
  const producers = new Producers(client, { requestBytesMax, lane })
  const exact = new ExactProduce(client, { batchBytesMax: limits.bodyBytesMax, lane })
  const topics = new TopicAdmin(client)
  const shared = { endpoints, responder, client, clock, limits, traffic }
  addServiceRoutes({ endpoints, responder, metrics, ready })
  addTopicRoutes({ endpoints, responder, client, topics })
  addOffsetsRoute({ endpoints, responder, client })
  const groups = new GroupAdmin(client, { timeoutMs: adminTimeoutMs })
  const groupRoutes = { endpoints, responder, groups, groupOffsets: new GroupOffsets(client) }
  addGroupRoutes(groupRoutes)
  addGroupOffsetRoutes(groupRoutes)
  addProduceRoutes({
    ...shared,
    producers,
    exact,
    streams,
    bodies: new BufferPool(spareBodyBytesMax),
  })
  addReadRoutes({ ...shared, tails, streams, logger })

  function begin(request: Request, { incoming }: GatewayEnv): Exchange {
    const source = { request, incoming }
    const id = requestId()
    const reads = request.method === 'GET'
    return {
      incoming,
      requestId: id,
      headers: { 'request-id': id, ...cors.headers(headerOf(source, 'origin')) },
      acceptEncoding: reads ? headerOf(source, 'accept-encoding') : undefined,
    }
  }

  function refuse(request: Request, exchange: Exchange, problem: Problem): Response {
    const { pathname } = new URL(request.url)
    const context = { requestId: exchange.requestId, path: pathname }
    return responder.response(responder.problem(problem, context), exchange)
  }

  function handle(request: Request, exchange: Exchange): Response | Promise<Response> {
    const source = { request, incoming: exchange.incoming }
    const origin = headerOf(source, 'origin')
    const refusal = guard.check(headerOf(source, 'host'), origin)
    if (refusal) return refuse(request, exchange, refusal)
    if (request.method === 'OPTIONS' && origin && cors.allows(origin)) {
      const preflight = preflightOf(source)
      if (preflight) return responder.response(responder.empty(204, preflight), exchange)
    }
    if (streams.closing) {
      return isEventSource(source)
        ? responder.response(responder.events(comeBackText('shutdown')), exchange)
        : refuse(request, exchange, shuttingDown)
    }
    return endpoints.app.fetch(request, exchange)
  }

  function isEventSource(source: BodySource): boolean {
    const types = headerOf(source, 'accept')?.split(',') ?? []
    return types.some((type) => mediaTypeOf(type) === 'text/event-stream')
  }

  function preflightOf(source: BodySource): ResponseHeaders | undefined {
    if (headerOf(source, 'access-control-request-method') === undefined) return undefined
    const privateNetwork =
      headerOf(source, 'access-control-request-private-network')?.trim() === 'true'
    const headers = headerOf(source, 'access-control-request-headers')
    return cors.preflight({ headers, privateNetwork })
  }

  return {
    fetch(request, env = {}) {
      const begunMs = clock.monotonic()
      const answered = (response: Response) => {
        traffic.responded(response.status)
        traffic.latency.add(clock.monotonic() - begunMs)
        return response
      }
      const response = handle(request, begin(request, env))
      return response instanceof Promise ? response.then(answered) : answered(response)
    },
    async close() {
      await streams.closeAll()
      await producers.close()
      await exact.close()
      tails.close()
      deadlines.close()
    },
  }
}

const shuttingDown: Problem = { code: 'unavailable', detail: 'the server is shutting down' }

/** Ids that are unique across gateways: a random prefix and a count. */
function requestIds(uuid: string): () => string {
  const prefix = Buffer.from(uuid, 'base64url').toString('hex', 0, 6)
  let count = 0
  return () => {
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}
