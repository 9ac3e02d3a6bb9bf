// AlterClientQuotas: sets and removes quotas (KIP-546). v1 flexible
import {
  array,
  bool,
  type Decoded,
  float64,
  int16,
  int32,
  message,
  string,
  struct,
} from '../schema.ts'

export const alterClientQuotasRequest = message(
  'AlterClientQuotasRequest',
  { apiKey: 49, versions: '0-1', flexible: '1+' },
  {
    entries: array(
      struct({
        entity: array(
          struct({
            entityType: string(),
            entityName: string({ nullable: '0+' }),
          }),
        ),
        ops: array(
          struct({
            key: string(),
            value: float64(),
            remove: bool(),
          }),
        ),
      }),
    ),
    validateOnly: bool(),
  },
)

export interface AlterClientQuotasRequest extends Decoded<typeof alterClientQuotasRequest> {}

export const alterClientQuotasResponse = message(
  'AlterClientQuotasResponse',
  { apiKey: 49, versions: '0-1', flexible: '1+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    entries: array(
      struct({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        entity: array(
          struct({
            entityType: string(),
            entityName: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
  },
)

export interface AlterClientQuotasResponse extends Decoded<typeof alterClientQuotasResponse> {}
