// Failure: a command could not do what it was asked, and here is the one line to say so. Whatever else
// is thrown is a bug and shows its stack.

export const exitStatus = { failed: 1, usage: 2 } as const

export class Failure extends Error {
  override readonly name = 'Failure'
  /** What helps, if we know it. */
  readonly hint: string | undefined
  readonly status: number

  constructor(message: string, options: { hint?: string; status?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.hint = options.hint
    this.status = options.status ?? exitStatus.failed
  }
}

export function usageFailure(message: string, hint?: string): Failure {
  return new Failure(message, { hint, status: exitStatus.usage })
}

/** A file that was named and cannot be read. */
export function unreadable(file: string, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  return usageFailure(`cannot read ${file}: ${systemReasons[code ?? ''] ?? message}`)
}

const systemReasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
}

export function isFailure(error: unknown): error is Failure {
  return error instanceof Failure
}

/** Prints the line and sets the exit status; the process ends when its work has drained. */
export function reportFailure(failure: Failure): void {
  const hint = failure.hint === undefined ? '' : `; ${failure.hint}`
  process.stderr.write(`sluice: ${failure.message}${hint}\n`)
  process.exitCode = failure.status
}
