// The operating system's errors in the words of disk.ts.

import { DiskError, type DiskErrorKind } from '../disk.ts'

const kinds: Readonly<Record<string, DiskErrorKind>> = {
  ENOENT: 'not-found',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  // The limit on the size of a file (ulimit -f).
  EFBIG: 'no-space',
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

export function diskError(error: unknown, operation: string, path: string): DiskError {
  if (error instanceof DiskError) return error
  return new DiskError(kinds[codeOf(error) ?? ''] ?? 'io', operation, path, error)
}
