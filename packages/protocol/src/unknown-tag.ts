// A tagged field that is not in our schema of a message.

/** Kept as it came, written back as it was. */
export interface UnknownTag {
  tag: number
  data: Buffer
}
