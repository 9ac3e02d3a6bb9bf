// Endpoints: one statement of a route gives its validation, its place in /openapi.json and its entry in the
// table that answers 405 with Allow. Handlers get parsed input and return a response, or a problem as a
// value; a KafkaError that one throws becomes its problem here.

import { OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import type { Logger } from '@sluice/core/host/logger'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { Context } from 'hono'
import type { Exchange } from './exchange.ts'
import { parseJsonBody } from './json-body.ts'
import type { GatewayLimits } from './limits.ts'
import { mediaTypeOf } from './media-types.ts'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import { kafkaProblem, lookProblem } from './problems.ts'
import type { Reply } from './reply.ts'
import { type BodySource, headerOf, readBody } from './request-body.ts'
import type { ProblemContext, Responder } from './responder.ts'
import { schemaEntries } from './validation.ts'

export type GatewayRequest = Context<{ Bindings: Exchange }>

export type Answer = Reply | Problem
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
type Schema = z.ZodType
type None = z.ZodObject<Record<never, z.ZodType>>

/** As in OpenAPI, with the schemas that validate. */
export interface Endpoint<P extends Schema, Q extends Schema, B extends Schema>
  extends Omit<RouteConfig, 'request' | 'method'> {
  readonly method: Method
  readonly params?: P
  readonly query?: Q
  /** Of a JSON body. */
  readonly body?: B
}

export interface Call<P extends Schema = None, Q extends Schema = None, B extends Schema = None> {
  readonly params: z.output<P>
  readonly query: z.output<Q>
  readonly body: z.output<B>
  readonly request: GatewayRequest
}

export interface EndpointsOptions {
  readonly responder: Responder
  readonly limits: GatewayLimits
  readonly logger: Logger
}

const entriesMax = 100
const nothing = z.strictObject({})

export class Endpoints {
  readonly app = new OpenAPIHono<{ Bindings: Exchange }>()
  readonly #options: EndpointsOptions
  readonly #paths: { readonly method: string; readonly pattern: RegExp }[] = []

  constructor(options: EndpointsOptions) {
    this.#options = options
    this.app.notFound((request) => this.#missing(request))
    this.app.onError((error, request) => {
      return this.#respond(this.#problemOf(error, request), request)
    })
  }

  add<P extends Schema = None, Q extends Schema = None, B extends Schema = None>(
    endpoint: Endpoint<P, Q, B>,
    handle: (call: Call<P, Q, B>) => Answer | Promise<Answer>,
  ): void {
    const { params, query, body, ...route } = endpoint
    const content = body && { content: { 'application/json': { schema: body } }, required: true }
    const documented = { ...route, request: { params, query, body: content } } as RouteConfig
    this.addDocumented(documented, async (request) => {
      const call = await this.#parse(endpoint, request)
      if (!call.ok) return call.problem
      return handle(call.value)
    })
  }

  /** For a route that reads its request itself; `route` still documents it. */
  addDocumented(
    route: RouteConfig,
    handle: (request: GatewayRequest) => Answer | Promise<Answer>,
  ): void {
    this.app.openAPIRegistry.registerPath(route)
    const method = route.method.toUpperCase()
    const pattern = new RegExp(`^${route.path.replace(/\{\w+\}/g, '[^/]+')}$`)
    this.#paths.push({ method, pattern })
    const path = route.path.replace(/\{(\w+)\}/g, ':$1')
    this.app.on(method, path, (request): Response | Promise<Response> => {
      const answer = handle(request)
      if (!(answer instanceof Promise)) return this.#respond(answer, request)
      return answer.then((late) => this.#respond(late, request))
    })
  }

  problemContext({ env, req }: GatewayRequest): ProblemContext {
    return { requestId: env.requestId, path: req.path }
  }

  /** The query, checked against `schema`. */
  parseQuery<Q extends Schema>(schema: Q, request: GatewayRequest): Outcome<z.output<Q>> {
    return parseParameters(schema, queryOf(request))
  }

  #respond(answer: Answer, request: GatewayRequest): Response {
    const { responder } = this.#options
    const failed = 'detail' in answer
    // A client's problem and this line share the request id.
    if (failed) this.#options.logger.debug(this.#about(answer, request), 'a problem was answered')
    const reply = failed ? responder.problem(answer, this.problemContext(request)) : answer
    return responder.response(reply, request.env)
  }

  #about({ code, detail }: Problem, request: GatewayRequest): object {
    const { method } = request.req
    return { ...this.problemContext(request), method, code, detail }
  }

  async #parse<P extends Schema, Q extends Schema, B extends Schema>(
    endpoint: Endpoint<P, Q, B>,
    request: GatewayRequest,
  ): Promise<Outcome<Call<P, Q, B>>> {
    const params = parseParameters(endpoint.params ?? nothing, request.req.param())
    if (!params.ok) return params
    const query = parseParameters(endpoint.query ?? nothing, queryOf(request))
    if (!query.ok) return query
    const body = endpoint.body ? await this.#parseBody(endpoint.body, request) : done({})
    if (!body.ok) return body
    return done({
      params: params.value as z.output<P>,
      query: query.value as z.output<Q>,
      body: body.value as z.output<B>,
      request,
    })
  }

  async #parseBody(schema: Schema, request: GatewayRequest): Promise<Outcome<unknown>> {
    const { limits } = this.#options
    const source = sourceOf(request)
    const contentType = headerOf(source, 'content-type')
    if (contentType !== undefined && mediaTypeOf(contentType) !== 'application/json') {
      const detail = `Content-Type: ${contentType}; application/json is understood here`
      return failed({ code: 'unsupported_media_type', detail })
    }
    const bytes = await readBody(source, limits.bodyBytesMax)
    if (!bytes.ok) return bytes
    const json = parseJsonBody(bytes.value, limits.jsonDepthMax)
    if (!json.ok) return json
    const checked = schema.safeParse(json.value.value)
    if (checked.success) return done(checked.data)
    const errors = schemaEntries(checked.error, entriesMax)
    return failed({ code: 'invalid_request', detail: 'the body is not valid', errors })
  }

  /** 405 where the path exists for other methods, else 404. */
  #missing(request: GatewayRequest): Response {
    const { path, method } = request.req
    const methods = this.#paths.filter(({ pattern }) => pattern.test(path)).map((it) => it.method)
    if (methods.length === 0) {
      const detail = `${path} is no path of this API; GET /openapi.json lists them`
      return this.#respond({ code: 'route_not_found', detail }, request)
    }
    if (methods.includes('GET')) methods.push('HEAD')
    const allow = [...new Set(methods), 'OPTIONS'].join(', ')
    const { responder } = this.#options
    if (method === 'OPTIONS') return this.#respond(responder.empty(204, { allow }), request)
    const detail = `${method} is not allowed here; allowed: ${allow}`
    return this.#respond({ code: 'method_not_allowed', detail, headers: { allow } }, request)
  }

  #problemOf(error: Error, request: GatewayRequest): Problem {
    const { method } = request.req
    if (error instanceof KafkaError) {
      const reads = method === 'GET' || method === 'HEAD'
      return reads ? lookProblem(error) : kafkaProblem(error.code, error.message)
    }
    this.#options.logger.error(
      { err: error, method, ...this.problemContext(request) },
      'a request failed',
    )
    return { code: 'internal_error', detail: 'the request failed; the log says why' }
  }
}

export function sourceOf(request: GatewayRequest): BodySource {
  return { request: request.req.raw, incoming: request.env.incoming }
}

/** A parameter that stands there more than once is an array, which few schemas take. */
function queryOf({ req }: GatewayRequest): { [name: string]: string | string[] } {
  if (!req.url.includes('?')) return {}
  const values = Object.entries(req.queries())
  return Object.fromEntries(values.map(([name, all]) => [name, all.length > 1 ? all : all[0]]))
}

function parseParameters<S extends Schema>(schema: S, values: object): Outcome<z.output<S>> {
  const checked = schema.safeParse(values)
  if (checked.success) return done(checked.data)
  const errors = checked.error.issues.slice(0, entriesMax).map((issue) => ({
    code: issue.code,
    pointer: String(issue.path[0] ?? ''),
    detail: issue.message,
  }))
  const [first] = errors
  const detail = first.pointer === '' ? first.detail : `${first.pointer}: ${first.detail}`
  return failed({ code: 'invalid_parameter', detail, errors })
}

export function headerOfRequest(request: GatewayRequest, name: string): string | undefined {
  return headerOf(sourceOf(request), name)
}
