// A broker that answers by script, on a real (in-memory) network with the real codec: for what a broker
// that works never does. Unscripted, it serves one node, its topics, and nothing else.

import type { Clock } from '@sluice/core/host/clock'
import type { Connection, Listener, Network } from '@sluice/core/host/network'
import { type Api, apiByKey, apis } from '@sluice/protocol/apis'
import { decodeNext } from '@sluice/protocol/codec'
import { FrameReader, readRequestHeader, responseFrame } from '@sluice/protocol/frame'
import { Reader } from '@sluice/protocol/reader'
import type { Decoded, Encodable, Message } from '@sluice/protocol/schema'

export interface Asked {
  readonly api: Api
  readonly version: number
  readonly connection: Connection
  readonly at: number
}

/** 'silence' never answers; 'hang-up' closes the connection. */
export type Scripted<S extends Message> = Encodable<S> | 'silence' | 'hang-up'

type Answer = (request: never, asked: Asked) => unknown

export const nodeId = 1

export class ScriptedBroker {
  readonly asked: Asked[] = []
  topics: Record<string, { id: string; partitions: number }> = {}
  /** Highest version served of an API, where not all. */
  readonly maxVersions = new Map<{ readonly key: number }, number>()
  readonly #clock: Clock
  readonly #answers = new Map<number, Answer>()
  readonly #connections = new Set<Connection>()
  #listener!: Listener

  private constructor(clock: Clock) {
    this.#clock = clock
    this.on(apis.apiVersions, (_request, { version }) => this.#versions(version))
    this.on(apis.metadata, ({ topics }) => this.#metadata(topics))
  }

  static async start(network: Network, clock: Clock): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(clock)
    broker.#listener = await network.listen({ host: '127.0.0.1', port: 0 }, (connection) =>
      broker.#accept(connection),
    )
    return broker
  }

  get address() {
    return this.#listener.address
  }

  /** Answers every request of `api` by `answer`, which may also be a promise. */
  on<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    answer: (request: Decoded<Q>, asked: Asked) => Scripted<S> | Promise<Scripted<S>>,
  ): void {
    this.#answers.set(api.key, answer as Answer)
  }

  count(api: { readonly key: number }): number {
    return this.asked.filter((asked) => asked.api.key === api.key).length
  }

  hangUp(): void {
    for (const connection of this.#connections) connection.destroy()
  }

  async stop(): Promise<void> {
    await this.#listener.close()
    this.hangUp()
  }

  #accept(connection: Connection) {
    this.#connections.add(connection)
    // Answers go out in the order of the requests, whenever they are ready.
    let line: Promise<unknown> = Promise.resolve()
    const frames = new FrameReader({
      maxBytes: 1e8,
      onFrame: (frame) => {
        const reader = new Reader(frame)
        const header = readRequestHeader(reader)
        const api = apiByKey(header.apiKey) as Api
        const asked = { api, version: header.apiVersion, connection, at: this.#clock.monotonic() }
        this.asked.push(asked)
        const answer = this.#answers.get(api.key)
        if (answer === undefined) throw new Error(`no script for ${api.name}`)
        const request = decodeNext(reader, api.request, header.apiVersion)
        const answered = Promise.resolve(answer(request as never, asked))
        line = line.then(async () => {
          const response = await answered
          if (response === 'hang-up') connection.destroy()
          if (typeof response === 'string') return
          const body = response as Encodable<Message>
          const refused = api.key === apis.apiVersions.key && body['errorCode' as never] === 35
          const version = refused ? 0 : header.apiVersion // KIP-511
          connection.write(responseFrame(api, version, header.correlationId, body))
        })
      },
    })
    return {
      onData: (view: Buffer) => frames.push(view),
      onClose: () => this.#connections.delete(connection),
    }
  }

  #versions(version: number): Encodable<typeof apis.apiVersions.response> {
    const apiKeys = Object.values(apis as Record<string, Api>).map((api) => ({
      apiKey: api.key,
      minVersion: api.request.versions.min,
      maxVersion: this.maxVersions.get(api) ?? api.request.versions.max,
    }))
    const served = this.maxVersions.get(apis.apiVersions) ?? 100
    return { errorCode: version > served ? 35 : 0, apiKeys }
  }

  #metadata(names: readonly { name: string | null }[] | null) {
    const { host, port } = this.address
    const wanted = names?.map(({ name }) => name ?? '') ?? Object.keys(this.topics)
    return {
      brokers: [{ nodeId, host, port }],
      clusterId: 'scripted',
      controllerId: nodeId,
      topics: wanted.map((name) => {
        const topic = this.topics[name]
        if (topic === undefined) return { errorCode: 3, name, partitions: [] }
        const partitions = Array.from({ length: topic.partitions }, (_, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: nodeId,
          leaderEpoch: 0,
          replicaNodes: [nodeId],
          isrNodes: [nodeId],
        }))
        return { errorCode: 0, name, topicId: topic.id, partitions }
      }),
    }
  }
}
