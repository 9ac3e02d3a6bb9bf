// Parameters that several routes share.

import { z } from '@hono/zod-openapi'
import { topicNameLengthMax } from './limits.ts'
import { done, failed, type Outcome } from './problem.ts'

const topicName = z
  .string()
  .min(1)
  .max(topicNameLengthMax)
  .openapi({ param: { name: 'topic', in: 'path' }, example: 'orders' })

/** A whole number in a query or a path. */
export function wholeNumber(options: { min: number; max: number; description?: string }) {
  const { min, max, description } = options
  return z
    .string()
    .regex(/^\d{1,16}$/, 'a whole number was expected')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .openapi({ type: 'integer', minimum: min, maximum: max, description })
}

const partitionMax = 0x7fff_ffff
export const partitionNumber = wholeNumber({ min: 0, max: partitionMax })

export const topicParam = z.object({ topic: topicName })
export const partitionParam = z.object({
  topic: topicName,
  partition: partitionNumber.openapi({ param: { name: 'partition', in: 'path' } }),
})

export const groupParam = z.object({
  group: z
    .string()
    .min(1)
    .openapi({ param: { name: 'group', in: 'path' }, example: 'readers' }),
})

/** A parameter that may be repeated; none without. */
export function severalOf(description: string) {
  return z
    .union([z.string(), z.array(z.string())])
    .default([])
    .transform((texts): string[] => [texts].flat())
    .openapi({ type: 'array', items: { type: 'string' }, description })
}

export function parsePartition(text: string | undefined): Outcome<number> {
  const checked = partitionNumber.safeParse(text)
  if (checked.success) return done(checked.data)
  return failed({
    code: 'invalid_parameter',
    detail: `partition: ${checked.error.issues[0].message}`,
  })
}
