// AlterConfigs: set all configs of a resource at once (KIP-133). Clients now send key 44.
// v2 flexible
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

export const alterConfigsRequest = message(
  'AlterConfigsRequest',
  { apiKey: 33, versions: '0-2', flexible: '2+' },
  {
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
    validateOnly: bool(),
  },
)

export interface AlterConfigsRequest extends Decoded<typeof alterConfigsRequest> {}

export const alterConfigsResponse = message(
  'AlterConfigsResponse',
  { apiKey: 33, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    responses: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        resourceType: int8(),
        resourceName: string(),
      }),
    ),
  },
)

export interface AlterConfigsResponse extends Decoded<typeof alterConfigsResponse> {}
