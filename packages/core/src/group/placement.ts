// Which partition of __consumer_offsets a group belongs to, as every Kafka broker and tool computes it:
// abs(hash of the group id as Java hashes strings) % partitions.

export function groupPartition(groupId: string, partitionCount: number): number {
  const hash = javaHash(groupId)
  // Java's abs has no positive counterpart for the smallest int; Kafka takes 0.
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitionCount
}

function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}
