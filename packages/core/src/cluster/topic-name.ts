// Topic names as Kafka allows them: 1 to 249 of [a-zA-Z0-9._-], not '.' or '..'. Names that differ only
// in '.' and '_' collide, because Kafka's metrics cannot tell them apart.

const topicNameLengthMax = 249
const legal = /^[a-zA-Z0-9._-]+$/

/** Kafka's own topics, which clients do not write to. */
export const groupOffsetsTopic = '__consumer_offsets'
const internalTopics = new Set([groupOffsetsTopic, '__transaction_state', '__share_group_state'])

export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}

/** What is wrong with the name; undefined: nothing. */
export function invalidTopicName(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`
  if (name.length > topicNameLengthMax) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${topicNameLengthMax}`
  }
  if (!legal.test(name)) {
    const others = "other than ASCII alphanumerics, '.', '_' and '-'"
    return `Topic name is invalid: '${name}' contains one or more characters ${others}`
  }
  return undefined
}

/** Equal for names that collide. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}
