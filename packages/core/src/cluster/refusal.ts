// Refusal: why the controller does not do what it was asked for.

export interface Refusal {
  readonly ok: false
  /** A Kafka error code. */
  readonly error: number
  readonly message: string
}

export function refusal(error: number, message: string): Refusal {
  return { ok: false, error, message }
}
