// Features (KIP-584): what a cluster agrees on to use, by levels. Each has a range of levels that this
// release serves and a finalized one; level 0 is "not used". Metadata is kept in a table whatever
// metadata.version says: its levels are those of Kafka 4.2, so that tools can name them.
//
//   level wanted   upgrade type          ->
//   not served     any                   INVALID_UPDATE_VERSION
//   lower          upgrade               INVALID_UPDATE_VERSION
//   higher         a downgrade           INVALID_UPDATE_VERSION
//   lower          safe, unsafe          lowered; metadata.version only as far as metadata means the same

import { errors } from '@sluice/protocol/errors'
import { type Refusal, refusal } from './refusal.ts'

export interface Feature {
  readonly name: string
  readonly min: number
  readonly max: number
}

const metadataVersion = 'metadata.version'

/** Level of 3.9-IV0: the last one at which the form of Kafka's metadata changed. */
const metadataFormSince = 21

/** In the order in which tools list them. A feature that is not served yet has the one level 0. */
export const features: readonly Feature[] = [
  { name: 'eligible.leader.replicas.version', min: 0, max: 0 },
  { name: 'group.version', min: 0, max: 0 },
  { name: 'kraft.version', min: 0, max: 0 },
  // 3.3-IV3 to 4.2-IV1
  { name: metadataVersion, min: 7, max: 29 },
  { name: 'share.version', min: 0, max: 0 },
  { name: 'streams.version', min: 0, max: 0 },
  { name: 'transaction.version', min: 0, max: 0 },
]

/** Finalized levels by feature name; one that was never altered is not among them. */
export type FeatureLevels = Readonly<Record<string, number>>

/** UpgradeType of the protocol. */
export const upgradeType = { unknown: 0, upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const

export interface FeatureUpdate {
  readonly feature: string
  readonly level: number
  readonly upgradeType: number
}

/** The level that is in force: a new cluster begins with the highest that its first release serves. */
export function finalizedLevel(levels: FeatureLevels, { name, max }: Feature): number {
  return Object.hasOwn(levels, name) ? levels[name] : max
}

/** The levels afterwards; all updates or none. */
export function planFeatures(
  levels: FeatureLevels,
  updates: readonly FeatureUpdate[],
  controllerId: number,
): FeatureLevels | Refusal {
  const planned: Record<string, number> = { ...levels }
  for (const update of updates) {
    const wrong = wrongUpdate(levels, update, controllerId)
    if (wrong !== undefined) return refusal(errors.INVALID_UPDATE_VERSION, wrong)
    planned[update.feature] = update.level
  }
  return planned
}

function wrongUpdate(
  levels: FeatureLevels,
  { feature: name, level, upgradeType: type }: FeatureUpdate,
  controllerId: number,
): string | undefined {
  const { upgrade, safeDowngrade, unsafeDowngrade } = upgradeType
  const invalid = (why: string) => `Invalid update version ${level} for feature ${name}. ${why}`
  if (type !== upgrade && type !== safeDowngrade && type !== unsafeDowngrade) {
    return invalid('The controller does not support the given upgrade type.')
  }
  if (level < 0) return invalid('A feature version cannot be less than 0.')
  const feature = features.find((one) => one.name === name)
  if (!feature && level === 0) return invalid(`Feature ${name} not found.`)
  if (!feature) return invalid(`Local controller ${controllerId} does not support this feature.`)
  const { min, max } = feature
  if (level < min || level > max) {
    return invalid(`Local controller ${controllerId} only supports versions ${min}-${max}`)
  }
  const current = finalizedLevel(levels, feature)
  if (level < current && type === upgrade) {
    return invalid(
      "Can't downgrade the version of this feature without setting the upgrade type to either " +
        'safe or unsafe downgrade.',
    )
  }
  if (level > current && type !== upgrade) return invalid("Can't downgrade to a newer version.")
  const changesForm = level < current && level < metadataFormSince
  if (name !== metadataVersion || !changesForm) return undefined
  const why =
    type === unsafeDowngrade
      ? 'Unsafe metadata downgrade is not supported in this version.'
      : 'Refusing to perform the requested downgrade because it might delete metadata information.'
  return `Unsupported metadata.version downgrade from ${current} to ${level}. ${why}`
}
