// The sticky assignors: shares as even as the subscriptions allow, and of all such assignments one that moves few
// partitions (KIP-54). The cooperative one (KIP-429) never gives a partition away that a member still reads: it
// leaves it out, the member gives it up and joins again, and in that second rebalance it is handed out.

import { assert } from '../lib/assert.ts'
import {
  type GroupAssignment,
  type GroupMember,
  inOrder,
  inTopicOrder,
  type PartitionCounts,
} from './assignor.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export function assignSticky(
  members: readonly GroupMember[],
  counts: PartitionCounts,
): GroupAssignment {
  const shares = inOrder(members).map((member) => new Share(member))
  keepClaims(shares, counts)
  dealOut(shares, counts)
  level(shares)
  return new Map(shares.map((share) => [share.member.memberId, share.partitions()]))
}

export function assignCooperatively(
  members: readonly GroupMember[],
  counts: PartitionCounts,
): GroupAssignment {
  const claimants = new Map<string, Set<string>>()
  for (const { memberId, owned } of members) {
    for (const partition of owned) {
      const key = keyOf(partition)
      const ofPartition = claimants.get(key)
      if (ofPartition) ofPartition.add(memberId)
      else claimants.set(key, new Set([memberId]))
    }
  }
  const assignment = assignSticky(members, counts)
  return new Map(
    [...assignment].map(([memberId, share]) => [
      memberId,
      share.filter((partition) => claimants.get(keyOf(partition))?.has(memberId) ?? true),
    ]),
  )
}

/** What one member gets, while it is being worked out. */
class Share {
  readonly member: GroupMember
  readonly reads: ReadonlySet<string>
  readonly #claims: ReadonlySet<string>
  readonly #byTopic = new Map<string, { readonly kept: number[]; readonly fresh: number[] }>()
  count = 0

  constructor(member: GroupMember) {
    this.member = member
    this.reads = new Set(member.topics)
    this.#claims = new Set(member.owned.map(keyOf))
  }

  add(topic: string, partition: number): void {
    let ofTopic = this.#byTopic.get(topic)
    if (!ofTopic) {
      ofTopic = { kept: [], fresh: [] }
      this.#byTopic.set(topic, ofTopic)
    }
    const { kept, fresh } = ofTopic
    ;(this.#claims.has(keyOf({ topic, partition })) ? kept : fresh).push(partition)
    this.count += 1
  }

  topics(): string[] {
    return [...this.#byTopic.keys()]
  }

  partitions(): TopicPartition[] {
    return [...this.#byTopic].flatMap(([topic, { kept, fresh }]) =>
      [...kept, ...fresh].sort((a, b) => a - b).map((partition) => ({ topic, partition })),
    )
  }

  /** Moves a partition of `topic` over to `other`: one that it had not before, if there is one. */
  hand(topic: string, other: Share): void {
    const ofTopic = this.#byTopic.get(topic)
    const partition = ofTopic?.fresh.pop() ?? ofTopic?.kept.pop()
    assert(ofTopic && partition !== undefined, 'only what one has is handed on')
    if (ofTopic.fresh.length + ofTopic.kept.length === 0) this.#byTopic.delete(topic)
    this.count -= 1
    other.add(topic, partition)
  }
}

/** Everybody keeps what it had, if it still asks for it and nobody had it since. */
function keepClaims(shares: readonly Share[], counts: PartitionCounts): void {
  const claims = new Map<string, { share: Share; generation: number; contested: boolean }>()
  for (const share of shares) {
    const { owned, generation } = share.member
    for (const partition of owned) {
      if (!share.reads.has(partition.topic)) continue
      if (partition.partition >= (counts.get(partition.topic) ?? 0)) continue
      const key = keyOf(partition)
      const other = claims.get(key)
      if (other && other.generation > generation) continue
      const contested = other?.generation === generation
      claims.set(key, { share, generation, contested })
    }
  }
  for (const [topic, count] of inTopicOrder(counts)) {
    for (let partition = 0; partition < count; partition++) {
      const claim = claims.get(keyOf({ topic, partition }))
      if (claim && !claim.contested) claim.share.add(topic, partition)
    }
  }
}

/** What nobody has goes to who has least. */
function dealOut(shares: readonly Share[], counts: PartitionCounts): void {
  const taken = new Set(shares.flatMap((share) => share.partitions().map(keyOf)))
  for (const [topic, count] of inTopicOrder(counts)) {
    const readers = shares.filter((share) => share.reads.has(topic))
    if (readers.length === 0) continue
    for (let partition = 0; partition < count; partition++) {
      if (taken.has(keyOf({ topic, partition }))) continue
      leastOf(readers).add(topic, partition)
    }
  }
}

function leastOf(shares: readonly Share[]): Share {
  return shares.reduce((least, share) => (share.count < least.count ? share : least))
}

/**
 * Moves partitions from who has more to who has at least two fewer, over others where the two have no topic in
 * common, until nobody is left who could. Each move makes the sum of the squares smaller, so it ends.
 */
function level(shares: readonly Share[]): void {
  for (let path = anyPathDown(shares); path.length > 0; path = anyPathDown(shares)) {
    for (const { from, to, topic } of path) from.hand(topic, to)
  }
}

function anyPathDown(shares: readonly Share[]): Step[] {
  const least = leastOf(shares).count
  const fullestFirst = [...shares].sort((a, b) => b.count - a.count)
  for (const share of fullestFirst) {
    if (share.count < least + 2) break
    const path = pathDown(share, shares)
    if (path.length > 0) return path
  }
  return []
}

interface Step {
  readonly from: Share
  readonly to: Share
  readonly topic: string
}

/** The shortest way to somebody with at least two partitions fewer, from its far end; empty if there is none. */
function pathDown(start: Share, shares: readonly Share[]): Step[] {
  const steps = new Map<Share, Step>()
  let reached: Share[] = [start]
  while (reached.length > 0) {
    const next: Share[] = []
    for (const from of reached) {
      const topics = from.topics()
      for (const to of shares) {
        if (to === start || steps.has(to)) continue
        const topic = topics.find((one) => to.reads.has(one))
        if (topic === undefined) continue
        steps.set(to, { from, to, topic })
        next.push(to)
      }
    }
    const goals = next.filter((share) => share.count <= start.count - 2)
    if (goals.length > 0) return wayTo(leastOf(goals), steps)
    reached = next
  }
  return []
}

function wayTo(goal: Share, steps: ReadonlyMap<Share, Step>): Step[] {
  const way: Step[] = []
  for (let step = steps.get(goal); step; step = steps.get(step.from)) way.push(step)
  return way
}
