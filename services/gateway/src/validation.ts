// What zod found wrong, as entries of a problem.

import type { z } from '@hono/zod-openapi'
import type { ProblemEntry } from './problem.ts'

/** At most `entriesMax` entries; a record's index is taken from a path like /records/3/value. */
export function schemaEntries(error: z.ZodError, entriesMax: number): ProblemEntry[] {
  return error.issues.slice(0, entriesMax).map((issue) => {
    const pointer = issue.path.map((part) => `/${escapePointer(String(part))}`).join('')
    const index = issue.path[0] === 'records' ? issue.path[1] : undefined
    return {
      ...(typeof index === 'number' ? { index } : {}),
      pointer,
      code: issue.code,
      detail: issue.message,
    }
  })
}

function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1')
}
