// What the members of a group are subscribed to, read from what they told their leader. Needed to know
// which committed offsets a live group still has a use for.
//
// Versions of ConsumerProtocolSubscription only add at the end: all are read as the first one.

import { DecodeError, decodeNext } from '@sluice/protocol/codec'
import { consumerProtocolSubscription } from '@sluice/protocol/messages/internal/consumer-protocol-subscription'
import { Reader } from '@sluice/protocol/reader'
import type { Group } from './group.ts'

export const consumerProtocolType = 'consumer'

/**
 * Topics that members of the group read. Undefined: it cannot be known (no generation yet, or bytes
 * of another making), so any topic may be among them.
 */
export function subscribedTopics(group: Group): ReadonlySet<string> | undefined {
  const topics = new Set<string>()
  if (group.protocolType !== consumerProtocolType || group.memberCount === 0) return topics
  if (group.protocolName === null) return undefined
  for (const member of group.members()) {
    const subscribed = readTopics(member.metadataFor(group.protocolName))
    if (!subscribed) return undefined
    for (const topic of subscribed) topics.add(topic)
  }
  return topics
}

/** Undefined when the bytes are not a subscription. */
export function readTopics(subscription: Buffer): readonly string[] | undefined {
  try {
    const reader = new Reader(subscription)
    reader.int16()
    return decodeNext(reader, consumerProtocolSubscription, 0).topics
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
