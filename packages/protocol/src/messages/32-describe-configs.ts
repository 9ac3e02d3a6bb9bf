// DescribeConfigs: the configs of brokers, topics, groups (KIP-133).
// v1 sources and synonyms (KIP-226) · v3 types and documentation (KIP-569) · v4 flexible
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

export const describeConfigsRequest = message(
  'DescribeConfigsRequest',
  { apiKey: 32, versions: '1-4', flexible: '4+' },
  {
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        configurationKeys: array(string(), { nullable: '0+' }),
      }),
    ),
    includeSynonyms: bool({ default: false }),
    includeDocumentation: bool({ versions: '3+', default: false }),
  },
)

export interface DescribeConfigsRequest extends Decoded<typeof describeConfigsRequest> {}

export const describeConfigsResponse = message(
  'DescribeConfigsResponse',
  { apiKey: 32, versions: '1-4', flexible: '4+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    results: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        resourceType: int8(),
        resourceName: string(),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '0+' }),
            readOnly: bool(),
            configSource: int8({ ignorable: true, default: -1 }),
            isSensitive: bool(),
            synonyms: array(
              struct({
                name: string(),
                value: string({ nullable: '0+' }),
                source: int8(),
              }),
              { ignorable: true },
            ),
            configType: int8({ versions: '3+', ignorable: true, default: 0 }),
            documentation: string({ versions: '3+', nullable: '0+', ignorable: true }),
          }),
        ),
      }),
    ),
  },
)

export interface DescribeConfigsResponse extends Decoded<typeof describeConfigsResponse> {}
