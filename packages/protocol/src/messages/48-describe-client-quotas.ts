// DescribeClientQuotas: the quotas that are set, by what they are set for (KIP-546). v1 flexible
import {
  array,
  bool,
  type Decoded,
  float64,
  int8,
  int16,
  int32,
  message,
  string,
  struct,
} from '../schema.ts'

export const describeClientQuotasRequest = message(
  'DescribeClientQuotasRequest',
  { apiKey: 48, versions: '0-1', flexible: '1+' },
  {
    components: array(
      struct({
        entityType: string(),
        matchType: int8(),
        match: string({ nullable: '0+' }),
      }),
    ),
    strict: bool(),
  },
)

export interface DescribeClientQuotasRequest extends Decoded<typeof describeClientQuotasRequest> {}

export const describeClientQuotasResponse = message(
  'DescribeClientQuotasResponse',
  { apiKey: 48, versions: '0-1', flexible: '1+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    entries: array(
      struct({
        entity: array(
          struct({
            entityType: string(),
            entityName: string({ nullable: '0+' }),
          }),
        ),
        values: array(
          struct({
            key: string(),
            value: float64(),
          }),
        ),
      }),
      { nullable: '0+' },
    ),
  },
)

export interface DescribeClientQuotasResponse
  extends Decoded<typeof describeClientQuotasResponse> {}
