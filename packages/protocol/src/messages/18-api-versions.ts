// ApiVersions: the first request of a connection. What the broker serves, and its features.
// v1 throttle time · v3 flexible, client name and version (KIP-511), features (KIP-584)
// v4 features may start at 0 (KAFKA-17011) · v5 cluster and node id are checked (KIP-1242)
// The response's header is never flexible; a version too new is answered in v0 with error 35.
import {
  array,
  bool,
  type Decoded,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
} from '../schema.ts'

export const apiVersionsRequest = message(
  'ApiVersionsRequest',
  { apiKey: 18, versions: '0-5', flexible: '3+' },
  {
    clientSoftwareName: string({ versions: '3+', ignorable: true }),
    clientSoftwareVersion: string({ versions: '3+', ignorable: true }),
    clusterId: string({ versions: '5+', nullable: '0+', ignorable: true, default: null }),
    nodeId: int32({ versions: '5+', ignorable: true, default: -1 }),
  },
)

export interface ApiVersionsRequest extends Decoded<typeof apiVersionsRequest> {}

export const apiVersionsResponse = message(
  'ApiVersionsResponse',
  { apiKey: 18, versions: '0-5', flexible: '3+' },
  {
    errorCode: int16(),
    apiKeys: array(
      struct({
        apiKey: int16(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
    ),
    throttleTimeMs: int32({ versions: '1+', ignorable: true, default: 0 }),
    supportedFeatures: array(
      struct({
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      }),
      { versions: '3+', tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64({ versions: '3+', tag: 1, ignorable: true, default: -1 }),
    finalizedFeatures: array(
      struct({
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      }),
      { versions: '3+', tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool({ versions: '3+', tag: 3, ignorable: true, default: false }),
  },
)

export interface ApiVersionsResponse extends Decoded<typeof apiVersionsResponse> {}
