// What must compile and what must not: tsc checks this file, nothing runs it.
import { apis } from '@sluice/protocol/apis'
import { decode, encode } from '@sluice/protocol/codec'
import { readResponse, requestFrame } from '@sluice/protocol/frame'
import type { FetchRequest } from '@sluice/protocol/messages/01-fetch'
import type { HeartbeatRequest } from '@sluice/protocol/messages/12-heartbeat'
import { bytes, type Encodable, int32, message, string } from '@sluice/protocol/schema'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<T extends true>(): T | undefined {
  return undefined
}

const heartbeat = decode(apis.heartbeat.request, 4, Buffer.alloc(0))
holds<Same<typeof heartbeat.generationId, number>>()
holds<Same<typeof heartbeat.groupInstanceId, string | null>>()
const whole: HeartbeatRequest = heartbeat
const fetch: FetchRequest = decode(apis.fetch.request, 12, Buffer.alloc(0))
holds<Same<(typeof fetch.topics)[number]['partitions'][number]['highWatermark'], bigint>>()
holds<Same<typeof fetch.replicaState.replicaEpoch, number>>()
const produce = decode(apis.produce.request, 9, Buffer.alloc(0))
holds<Same<(typeof produce.topicData)[number]['partitionData'][number]['records'], Buffer | null>>()

// What was decoded can be encoded.
encode(apis.heartbeat.request, 4, whole)
encode(apis.fetch.request, 12, fetch)
encode(apis.heartbeat.response, 4, { errorCode: 0 })

// @ts-expect-error a field that every version carries is missing
encode(apis.heartbeat.request, 4, { groupId: 'g', memberId: 'm' })
// @ts-expect-error a field of another type
encode(apis.heartbeat.response, 4, { errorCode: 'none' })
// @ts-expect-error a field that there is not
encode(apis.heartbeat.response, 4, { errorCode: 0, errrorMessage: 'typo' })
// @ts-expect-error null where none is allowed
encode(apis.heartbeat.request, 4, { groupId: null, generationId: 1, memberId: 'm' })
// @ts-expect-error deep inside, too
encode(apis.metadata.request, 12, { topics: [{ name: 5 }] })
// @ts-expect-error a number for all 64 bits
encode(apis.fetch.request, 18, { ...fetch, topics: [{ partitions: [{ highWatermark: 1 }] }] })
// @ts-expect-error there is no such field
heartbeat.generation
// @ts-expect-error the body of another API
requestFrame(apis.heartbeat, 4, 1, null, { topics: null })
// @ts-expect-error the response is not the request
readResponse(apis.heartbeat, 4, Buffer.alloc(0)).body.groupId

const sample = message(
  'Sample',
  { versions: '0-1', flexible: 'none' },
  { needed: int32(), omittable: string({ default: 'x' }), since1: bytes({ versions: '1+' }) },
)
const least: Encodable<typeof sample> = { needed: 1 }
holds<Same<typeof least.needed, number>>()
holds<Same<typeof least.omittable, string | undefined>>()
// @ts-expect-error a range of versions that is none
message('Sample', { versions: 'all', flexible: 'none' }, {})
// @ts-expect-error a default of another type
int32({ default: 'five' })
// @ts-expect-error a default that is no option of bytes
bytes({ default: Buffer.alloc(1) })
