// Assertions stay on in production: a broken invariant stops the operation before it can do harm.

export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Throws AssertionError with `message` unless `condition`. For bugs, never for bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}
