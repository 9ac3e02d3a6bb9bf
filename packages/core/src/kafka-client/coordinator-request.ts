// atCoordinator: an exchange with a group's coordinator, repeated where it moved, is not ready yet, or was
// not reached.

import type { Api } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { Decoded, Message } from '@sluice/protocol/schema'
import type { RequestBody } from './broker-connection.ts'
import type { KafkaClient } from './kafka-client.ts'
import { KafkaError } from './kafka-error.ts'

export type Send = <Q extends Message, S extends Message>(
  api: Api<Q, S>,
  body: RequestBody<Q>,
) => Promise<Decoded<S>>

export interface CoordinatorOptions {
  readonly timeoutMs?: number
  /** For one answer, where it may come late. */
  readonly requestTimeoutMs?: number
  readonly lane?: string
}

/** `exchange` throws KafkaError for the codes that it is answered with. */
export function atCoordinator<T>(
  client: KafkaClient,
  group: string,
  options: CoordinatorOptions,
  exchange: (send: Send) => Promise<T>,
): Promise<T> {
  const { timeoutMs, requestTimeoutMs, lane } = options
  const send: Send = (api, body) =>
    client.request(api, { group }, body, { lane, timeoutMs: requestTimeoutMs })
  const attempt = async () => {
    try {
      return await exchange(send)
    } catch (error) {
      if (error instanceof KafkaError && coordinatorMoved(error.code))
        client.forgetCoordinator(group)
      throw error
    }
  }
  return client.retry(attempt, { timeoutMs })
}

function coordinatorMoved(code: number): boolean {
  return (
    code === errors.NOT_COORDINATOR ||
    code === errors.COORDINATOR_NOT_AVAILABLE ||
    code === errors.NETWORK_EXCEPTION ||
    code === errors.REQUEST_TIMED_OUT ||
    code === errors.BROKER_NOT_AVAILABLE
  )
}
