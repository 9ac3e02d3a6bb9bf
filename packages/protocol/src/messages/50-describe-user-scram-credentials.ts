// DescribeUserScramCredentials: which SCRAM mechanisms users have credentials for (KIP-554).
// One version. The credentials themselves are never told.
import { array, type Decoded, int8, int16, int32, message, string, struct } from '../schema.ts'

export const describeUserScramCredentialsRequest = message(
  'DescribeUserScramCredentialsRequest',
  { apiKey: 50, versions: '0', flexible: '0+' },
  {
    users: array(
      struct({
        name: string(),
      }),
      { nullable: '0+' },
    ),
  },
)

export interface DescribeUserScramCredentialsRequest
  extends Decoded<typeof describeUserScramCredentialsRequest> {}

export const describeUserScramCredentialsResponse = message(
  'DescribeUserScramCredentialsResponse',
  { apiKey: 50, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: array(
      struct({
        user: string(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        credentialInfos: array(
          struct({
            mechanism: int8(),
            iterations: int32(),
          }),
        ),
      }),
    ),
  },
)

export interface DescribeUserScramCredentialsResponse
  extends Decoded<typeof describeUserScramCredentialsResponse> {}
