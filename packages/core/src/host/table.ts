// Table: the metadata store, in DynamoDB's shape. Items are plain JSON objects under a partition key
// and a sort key. Reads are strong. A condition that fails is a result, not an exception; an
// exception (TableError) means that the outcome is unknown: the write may or may not have happened,
// so the caller looks again and recognises its own write by the token or nonce it put there.

export interface Table {
  get(key: ItemKey): Promise<Item | undefined>
  /** Items under `partition`, sort keys starting with `sortPrefix` (default all), ascending bytewise. */
  query(partition: string, options?: QueryOptions): Promise<QueryPage>
  /** One conditional write. */
  write(action: Action): Promise<WriteResult>
  /**
   * Up to 100 actions on distinct items, all or none. The same `token` within ten minutes with the
   * same actions is done once and answers as the first time (DynamoDB's ClientRequestToken).
   */
  transact(actions: readonly Action[], token?: string): Promise<WriteResult>
  close(): Promise<void>
}

export interface ItemKey {
  readonly partition: string
  readonly sort: string
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

export interface Item extends ItemKey {
  readonly value: { readonly [name: string]: Json }
}

export interface QueryOptions {
  readonly sortPrefix?: string
  /** Exclusive start, for paging: the sort key last seen. */
  readonly after?: string
  readonly limit?: number
}

export interface QueryPage {
  readonly items: Item[]
  /** There, pass it as `after`; absent at the end. */
  readonly next?: string
}

export type Action =
  | { kind: 'put'; item: Item; condition?: Condition }
  /** Shallow merge into an item that is there (an absent one fails the condition). */
  | { kind: 'update'; key: ItemKey; set: { readonly [name: string]: Json }; condition?: Condition }
  | { kind: 'delete'; key: ItemKey; condition?: Condition }
  | { kind: 'check'; key: ItemKey; condition: Condition }

/** All given parts must hold of the item as it stands before the write. */
export interface Condition {
  /** The item exists, or does not. */
  readonly exists?: boolean
  /** Top-level attributes equal these values (deep equality); a missing item or attribute fails. */
  readonly equals?: { readonly [name: string]: Json }
}

export type WriteResult =
  | { ok: true }
  /** `index` of the first action whose condition failed, and that item as it stands. */
  | { ok: false; index: number; current: Item | undefined }

/** At most this many actions in one transaction (DynamoDB's limit). */
export const transactActionsMax = 100

export class TableError extends Error {
  override readonly name = 'TableError'
  /** Throttled, unavailable, timed out: try again with jitter. Else a bug or bad data. */
  readonly retryable: boolean

  constructor(detail: string, options: { retryable: boolean; cause?: unknown }) {
    super(detail, { cause: options.cause })
    this.retryable = options.retryable
  }
}
