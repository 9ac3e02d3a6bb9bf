// Routes about the gateway itself: welcome page, health, metrics, API description.

import { z } from '@hono/zod-openapi'
import type { Metrics } from '@sluice/core/metrics/metrics'
import type { ApiDescription } from '../docs/page.ts'
import { type Endpoints, headerOfRequest } from '../endpoints.ts'
import { openApiDocument } from '../openapi.ts'
import type { Responder } from '../responder.ts'
import { welcomeText } from '../welcome.ts'

export interface ServiceRoutesOptions {
  readonly endpoints: Endpoints
  readonly responder: Responder
  readonly metrics: Metrics
  readonly ready: () => boolean
}

const plain = { 'text/plain': { schema: z.string() } }
const tags = ['Service']

export function addServiceRoutes(options: ServiceRoutesOptions): void {
  const { endpoints, responder, metrics, ready } = options
  endpoints.add(
    {
      method: 'get',
      path: '/',
      operationId: 'welcome',
      summary: 'What this is and what to try',
      tags,
      responses: { 200: { description: 'A short text', content: plain } },
    },
    ({ request }) => responder.text(welcomeText(headerOfRequest(request, 'host') ?? 'localhost')),
  )
  endpoints.add(
    {
      method: 'get',
      path: '/healthz',
      operationId: 'health',
      summary: 'Whether the process lives',
      tags,
      responses: { 200: { description: 'It does', content: plain } },
    },
    () => responder.text('ok\n'),
  )
  endpoints.add(
    {
      method: 'get',
      path: '/readyz',
      operationId: 'readiness',
      summary: 'Whether requests are served',
      tags,
      responses: {
        200: { description: 'They are', content: plain },
        503: { description: 'Not yet, or no more' },
      },
    },
    () =>
      ready()
        ? responder.text('ready\n')
        : { code: 'unavailable', detail: 'the broker is not ready' },
  )
  endpoints.add(
    {
      method: 'get',
      path: '/metrics',
      operationId: 'metrics',
      summary: 'Metrics in the format of Prometheus',
      tags,
      responses: { 200: { description: 'All metrics of the process', content: plain } },
    },
    async () =>
      responder.body(await metrics.text(), 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      }),
  )
  // Made on first demand: the description costs more than a start may.
  let description: object | undefined
  let document: string | undefined
  const describe = () => {
    description ??= openApiDocument(endpoints)
    return description
  }
  endpoints.add(
    {
      method: 'get',
      path: '/openapi.json',
      operationId: 'openapi',
      summary: 'This description',
      tags,
      responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': {} } } },
    },
    () => {
      document ??= JSON.stringify(describe())
      return responder.body(document, 200, { 'content-type': 'application/json' })
    },
  )
  endpoints.add(
    {
      method: 'get',
      path: '/docs',
      operationId: 'docs',
      summary: 'This description as a page',
      tags,
      responses: {
        200: { description: 'HTML', content: { 'text/html': { schema: z.string() } } },
      },
    },
    async ({ request }) => {
      const { docsPage, docsPolicy } = await import('../docs/page.ts')
      const host = headerOfRequest(request, 'host') ?? 'localhost'
      return responder.body(docsPage(describe() as ApiDescription, host), 200, {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': docsPolicy,
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
    },
  )
}
