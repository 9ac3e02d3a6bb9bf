// The newest version of each API that this client's requests are made for. Where an API is not listed it
// is the newest that the schema knows; the broker's own range narrows it further.

import { type Api, apis } from '@sluice/protocol/apis'

/** What a broker serves of one API. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

const spoken = new Map<Api, number>([
  [apis.apiVersions, 4], // v5 asks the broker to check cluster and node id (KIP-1242)
  [apis.fetch, 17], // v18 is for followers
  [apis.listOffsets, 10], // v11 is unstable
  [apis.metadata, 12], // v13 asks for a new bootstrap by an error of its own (KIP-1102)
  [apis.offsetCommit, 9], // v10 names topics by id
  [apis.offsetFetch, 9], // v10 names topics by id
])

/** The newest version that both sides speak, at most `maxVersion`; undefined when there is none. */
export function commonVersion(
  api: Api,
  served: VersionRange | undefined,
  maxVersion = Number.POSITIVE_INFINITY,
): number | undefined {
  if (served === undefined) return undefined
  const { min, max } = api.request.versions
  const version = Math.min(served.max, spoken.get(api) ?? max, max, maxVersion)
  return version >= Math.max(served.min, min) ? version : undefined
}
