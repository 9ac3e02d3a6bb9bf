// ElectLeaders: elect the preferred leader, or any live replica where there is no leader (KIP-460).
// v1 election types, error at the top · v2 flexible
import { array, type Decoded, int8, int16, int32, message, string, struct } from '../schema.ts'

export const electLeadersRequest = message(
  'ElectLeadersRequest',
  { apiKey: 43, versions: '0-2', flexible: '2+' },
  {
    electionType: int8({ versions: '1+' }),
    topicPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
      { nullable: '0+' },
    ),
    timeoutMs: int32({ default: 60000 }),
  },
)

export interface ElectLeadersRequest extends Decoded<typeof electLeadersRequest> {}

export const electLeadersResponse = message(
  'ElectLeadersResponse',
  { apiKey: 43, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ versions: '1+' }),
    replicaElectionResults: array(
      struct({
        topic: string(),
        partitionResult: array(
          struct({
            partitionId: int32(),
            errorCode: int16(),
            errorMessage: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
  },
)

export interface ElectLeadersResponse extends Decoded<typeof electLeadersResponse> {}
