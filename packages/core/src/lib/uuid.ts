// Random UUIDs (version 4) printed as Kafka prints them: 16 bytes in 22 characters of base64url.

/** A UUID made of `bytes(16)`; draws again while it would start with '-' (as Kafka's Uuid.randomUuid). */
export function uuidFrom(bytes: (length: number) => Buffer): string {
  for (;;) {
    const drawn = bytes(16)
    drawn[6] = (drawn[6] & 0x0f) | 0x40
    drawn[8] = (drawn[8] & 0x3f) | 0x80
    const text = drawn.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
