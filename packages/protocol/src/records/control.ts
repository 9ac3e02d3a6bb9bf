// Control records: the marks that end a transaction. A client skips them; it never writes them.
//
//   key = version:2 type:2        value = version:2 coordinatorEpoch:4

export type ControlType = 'abort' | 'commit' | 'unknown'

const controlKeyBytes = 4
const typeAt = 2

/** What the key of a control record says; 'unknown' for types that a reader is to pass over. */
export function controlType(key: Buffer | null): ControlType {
  if (key === null || key.length < controlKeyBytes) return 'unknown'
  const type = key.readInt16BE(typeAt)
  if (type === 0) return 'abort'
  return type === 1 ? 'commit' : 'unknown'
}
