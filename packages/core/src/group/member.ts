// A member of a classic group: who it is, what it can speak, what it was assigned, and which of its
// calls is parked until the rebalance gets on. Static members (KIP-345) carry an instance id that
// outlives their member id.

/** An answer that is owed: a handle of the driver, opaque to the machine. */
export type Call = number

/** An assignor the member supports, with what it tells the leader for it (its subscription). */
export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface MemberIdentity {
  readonly id: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
}

/** What a member may change with each JoinGroup. */
export interface MemberTerms {
  readonly protocols: readonly Protocol[]
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
}

export const noBytes = Buffer.alloc(0)

export class Member {
  readonly id: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  /** Best first; names are distinct. */
  protocols: readonly Protocol[]
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  assignment: Buffer = noBytes
  /** Has not been through a whole join phase yet: its client does not know its member id. */
  isNew = false
  /** The JoinGroup that waits for the end of the join phase. */
  joining: Call | undefined
  /** The SyncGroup that waits for the leader's assignment. */
  syncing: Call | undefined
  /** When it counts as gone unless it is heard of; Infinity while a parked call vouches for it. */
  deadline = Number.POSITIVE_INFINITY

  constructor(identity: MemberIdentity, terms: MemberTerms) {
    this.id = identity.id
    this.instanceId = identity.instanceId
    this.clientId = identity.clientId
    this.clientHost = identity.clientHost
    this.protocolType = identity.protocolType
    this.protocols = distinctProtocols(terms.protocols)
    this.rebalanceTimeoutMs = terms.rebalanceTimeoutMs
    this.sessionTimeoutMs = terms.sessionTimeoutMs
  }

  get isStatic(): boolean {
    return this.instanceId !== null
  }

  /**
   * A parked call stands for a heartbeat. Not so for new members: a client that gave up a long
   * rebalance comes back under another id, and the first one would stay for ever.
   */
  get parked(): boolean {
    return !this.isNew && (this.joining !== undefined || this.syncing !== undefined)
  }

  metadataFor(protocolName: string): Buffer {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? noBytes
  }

  /** The candidate it likes best. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name
  }

  speaksExactly(protocols: readonly Protocol[]): boolean {
    const others = distinctProtocols(protocols)
    return (
      others.length === this.protocols.length &&
      others.every(({ name, metadata }, index) => {
        const own = this.protocols[index]
        return own.name === name && own.metadata.equals(metadata)
      })
    )
  }
}

/** Protocols count once per member in the vote, whatever a client sends: the first of a name holds. */
export function distinctProtocols(protocols: readonly Protocol[]): readonly Protocol[] {
  const names = new Set<string>()
  return protocols.filter(({ name }) => {
    const first = !names.has(name)
    names.add(name)
    return first
  })
}

/** What a member costs beside the bytes it sent: objects, map entries, ids. */
const memberOverheadBytes = 512

/** What it takes to remember a member that says this of itself. */
export function memberBytes({
  clientId,
  protocols,
}: {
  readonly clientId: string
  readonly protocols: readonly Protocol[]
}): number {
  let bytes = memberOverheadBytes + clientId.length
  for (const { name, metadata } of protocols) bytes += name.length + metadata.length
  return bytes
}
