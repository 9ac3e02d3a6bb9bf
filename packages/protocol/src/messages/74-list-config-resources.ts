// ListConfigResources: what has configs.
// v0 client metrics subscriptions only (KIP-714) · v1 all types (KIP-1142)
import { array, type Decoded, int8, int16, int32, message, string, struct } from '../schema.ts'

export const listConfigResourcesRequest = message(
  'ListConfigResourcesRequest',
  { apiKey: 74, versions: '0-1', flexible: '0+' },
  {
    resourceTypes: array(int8(), { versions: '1+' }),
  },
)

export interface ListConfigResourcesRequest extends Decoded<typeof listConfigResourcesRequest> {}

export const listConfigResourcesResponse = message(
  'ListConfigResourcesResponse',
  { apiKey: 74, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    configResources: array(
      struct({
        resourceName: string(),
        resourceType: int8({ versions: '1+', ignorable: true, default: 16 }),
      }),
    ),
  },
)

export interface ListConfigResourcesResponse extends Decoded<typeof listConfigResourcesResponse> {}
