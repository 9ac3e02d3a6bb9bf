// Extensions: what Sluice's clients and brokers say to each other beside Kafka's messages. They travel as
// tagged fields under the numbers of this file; Apache Kafka ignores tags that it does not know. So a client
// asks first (ApiVersions) and relies on them only where the broker announces that it knows them, and a
// broker announces them to nobody who has not asked.
//
//   ApiVersions request, response         10000  version:2
//   Produce request, a partition          10001  key mark:32     (records/key-mark.ts)
//                                         10002  expected end offset:8
//                                         10003  -               tell what became of it
//   Produce response, a partition         10001  verdict:1 first:8 second:8
//
// A key mark without records asks what is known of the key, and appends nothing.

import { readInt64, writeInt64 } from './records/batch.ts'
import { keyMarkBytes } from './records/key-mark.ts'
import type { Tagged } from './schema.ts'
import type { UnknownTag } from './unknown-tag.ts'

const tags = { extensions: 10_000, keyMark: 10_001, expectedEnd: 10_002, explain: 10_003 } as const
const verdictTag = 10_001
const extensionsVersion = 1

/** Under which terms a batch is appended. Any of them asks for a verdict. */
export interface AppendTerms {
  /** Append once only: the mark that the batch carries. */
  readonly keyMark?: Buffer
  /** Append only where the log ends at this offset. */
  readonly expectedEnd?: number
}

/** What Kafka's answer has no room for. */
export type Verdict =
  /** It is in the log already, from the answer's base offset on; `timestampMs` is -1 where not known. */
  | { readonly kind: 'repeated'; readonly count: number; readonly timestampMs: number }
  /** The key was used with another body. */
  | { readonly kind: 'other-body' }
  /** No further key can be remembered now. */
  | { readonly kind: 'dedup-full' }
  /** The log ends elsewhere. */
  | { readonly kind: 'end-moved'; readonly endOffset: number }
  /** The epoch or the sequence of the batch's producer does not follow. */
  | { readonly kind: 'out-of-sequence'; readonly epoch: number; readonly nextSequence: number }

const verdictKinds = [
  'repeated',
  'other-body',
  'dedup-full',
  'end-moved',
  'out-of-sequence',
] as const
const verdictBytes = 17

/** Of an ApiVersions request, and of its answer where the broker knows the extensions. */
export function extensionsTag(): UnknownTag {
  const data = Buffer.alloc(2)
  data.writeInt16BE(extensionsVersion)
  return { tag: tags.extensions, data }
}

export function hasExtensions({ unknownTags }: Tagged): boolean {
  return find(unknownTags, tags.extensions) !== undefined
}

export function termsTags({ keyMark, expectedEnd }: AppendTerms): UnknownTag[] {
  const found: UnknownTag[] = []
  if (keyMark !== undefined) found.push({ tag: tags.keyMark, data: keyMark })
  if (expectedEnd !== undefined) {
    const data = Buffer.alloc(8)
    writeInt64(data, 0, expectedEnd)
    found.push({ tag: tags.expectedEnd, data })
  }
  found.push({ tag: tags.explain, data: Buffer.alloc(0) })
  return found
}

/** Undefined where there are none; 'malformed' where what is there cannot be read. */
export function readTerms(
  unknownTags: readonly UnknownTag[],
): AppendTerms | undefined | 'malformed' {
  const keyMark = find(unknownTags, tags.keyMark)
  const end = find(unknownTags, tags.expectedEnd)
  if (keyMark === undefined && end === undefined && find(unknownTags, tags.explain) === undefined) {
    return undefined
  }
  if (keyMark !== undefined && keyMark.length !== keyMarkBytes) return 'malformed'
  if (end !== undefined && end.length !== 8) return 'malformed'
  const expectedEnd = end && readInt64(end, 0)
  return { keyMark, expectedEnd }
}

export function writeVerdict(verdict: Verdict): UnknownTag {
  const data = Buffer.alloc(verdictBytes)
  data[0] = verdictKinds.indexOf(verdict.kind)
  const [first, second] = numbersOf(verdict)
  writeInt64(data, 1, first)
  writeInt64(data, 9, second)
  return { tag: verdictTag, data }
}

/** Undefined where there is none, or one of a broker newer than this. */
export function readVerdict({ unknownTags }: Tagged): Verdict | undefined {
  const data = find(unknownTags, verdictTag)
  if (data?.length !== verdictBytes) return undefined
  const first = readInt64(data, 1)
  const second = readInt64(data, 9)
  const kind = verdictKinds[data[0]]
  switch (kind) {
    case 'repeated':
      return { kind, count: first, timestampMs: second }
    case 'end-moved':
      return { kind, endOffset: first }
    case 'out-of-sequence':
      return { kind, epoch: first, nextSequence: second }
    case 'other-body':
    case 'dedup-full':
      return { kind }
    default:
      return undefined
  }
}

function numbersOf(verdict: Verdict): [number, number] {
  switch (verdict.kind) {
    case 'repeated':
      return [verdict.count, verdict.timestampMs]
    case 'end-moved':
      return [verdict.endOffset, 0]
    case 'out-of-sequence':
      return [verdict.epoch, verdict.nextSequence]
    default:
      return [0, 0]
  }
}

function find(unknownTags: readonly UnknownTag[] | undefined, tag: number): Buffer | undefined {
  return unknownTags?.find((one) => one.tag === tag)?.data
}
