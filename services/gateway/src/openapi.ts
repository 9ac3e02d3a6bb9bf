// The description of the API (OpenAPI 3.1), made of the very schemas that validate requests.

import { z } from '@hono/zod-openapi'
import type { Endpoints } from './endpoints.ts'
import { problemCodes } from './problem.ts'

const version = '0.1.0'

/** RFC 9457, with our members; every answer of 400 and above has this body. */
const problemSchema = z
  .looseObject({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(problemCodes().map(({ code }) => code)),
    kafka: z.object({ code: z.int(), name: z.string() }).optional(),
    retriable: z.boolean(),
    side_effects: z.enum(['none', 'unknown', 'partial']),
    request_id: z.string(),
    errors: z
      .array(
        z.object({
          code: z.string(),
          detail: z.string(),
          index: z.int().optional(),
          pointer: z.string().optional(),
        }),
      )
      .optional(),
  })
  .openapi('Problem')

/** The last entry of every route's responses. */
export const problemResponses = {
  default: {
    description: 'A problem (RFC 9457)',
    content: { 'application/problem+json': { schema: problemSchema } },
  },
}

export function openApiDocument({ app }: Endpoints): object {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description: 'Kafka over HTTP: produce and read records, manage topics and groups.',
      license: { name: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
  })
}
