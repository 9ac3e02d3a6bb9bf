// Random: every draw in the system. Seeded in the simulator, cryptographic in production.

export interface Random {
  /** A number in [0, 1). For jitter; not for secrets. */
  number(): number
  /** An integer in [0, limit). `limit` is a whole number in 1..2^32. */
  integer(limit: number): number
  /** `length` unpredictable bytes. */
  bytes(length: number): Buffer
  /**
   * A random (version 4) UUID as Kafka prints it: 22 characters of unpadded base64url. Never starts
   * with '-', so that it can stand on a command line (as Kafka's Uuid.randomUuid).
   */
  uuid(): string
}
