// UpdateFeatures: the levels of finalized features (KIP-584).
// v1 validate only, upgrade types (KIP-778) · v2 no result per feature (KIP-1022)
import {
  array,
  bool,
  type Decoded,
  int8,
  int16,
  int32,
  message,
  string,
  struct,
} from '../schema.ts'

export const updateFeaturesRequest = message(
  'UpdateFeaturesRequest',
  { apiKey: 57, versions: '0-2', flexible: '0+' },
  {
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array(
      struct({
        feature: string(),
        maxVersionLevel: int16(),
        allowDowngrade: bool({ versions: '0' }),
        upgradeType: int8({ versions: '1+', default: 1 }),
      }),
    ),
    validateOnly: bool({ versions: '1+', default: false }),
  },
)

export interface UpdateFeaturesRequest extends Decoded<typeof updateFeaturesRequest> {}

export const updateFeaturesResponse = message(
  'UpdateFeaturesResponse',
  { apiKey: 57, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: array(
      struct({
        feature: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
      }),
      { versions: '0-1', ignorable: true },
    ),
  },
)

export interface UpdateFeaturesResponse extends Decoded<typeof updateFeaturesResponse> {}
