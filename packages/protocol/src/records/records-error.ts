// RecordsError: bytes that claim to be records and are not, or cannot be read here. It carries the Kafka
// error code a broker answers; a consumer treats each of them as a corrupt batch.

export class RecordsError extends Error {
  override readonly name = 'RecordsError'
  /** A Kafka error code, see errors.ts. */
  readonly code: number

  constructor(code: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
