import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { describe, expect, test } from 'vitest'
import { scripted } from './cluster.ts'
import { nodeId } from './scripted-broker.ts'

const node = { node: nodeId }
const heartbeat = { groupId: 'group', generationId: 1, memberId: 'member' }

async function errorOf(promise: Promise<unknown>): Promise<KafkaError> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(KafkaError)
  return error as KafkaError
}

describe('versions', () => {
  test('the newest that both sides speak', async () => {
    const { broker, client } = await scripted()
    broker.maxVersions.set(apis.heartbeat, 3)
    broker.on(apis.heartbeat, () => ({ errorCode: 0 }))
    await client.metadata([])
    await client.request(apis.heartbeat, node, heartbeat)
    await client.request(apis.heartbeat, node, heartbeat, { maxVersion: 1 })
    const used = broker.asked.map(({ api, version }) => `${api.name} ${version}`)
    expect(used.slice(-2)).toEqual(['Heartbeat 3', 'Heartbeat 1'])
    expect(used[0]).toBe('ApiVersions 4')
    client.close()
  })

  test('an older broker refuses the version of ApiVersions and is asked again at its own', async () => {
    const { broker, client } = await scripted()
    broker.maxVersions.set(apis.apiVersions, 2)
    await client.metadata([])
    const used = broker.asked.map(({ api, version }) => `${api.name} ${version}`)
    expect(used.slice(0, 2)).toEqual(['ApiVersions 4', 'ApiVersions 2'])
    client.close()
  })

  test('none in common is said at once', async () => {
    const { broker, client } = await scripted()
    await client.metadata([])
    broker.maxVersions.set(apis.describeCluster, -1)
    broker.hangUp()
    const failure = client.retry(() =>
      client.request(apis.describeCluster, node, { includeClusterAuthorizedOperations: false }),
    )
    expect(await errorOf(failure)).toMatchObject({ name: 'UNSUPPORTED_VERSION', retriable: false })
    client.close()
  })

  test('a body that the version cannot carry is a refused request, not a broken connection', async () => {
    const { broker, client } = await scripted()
    broker.on(apis.heartbeat, () => ({ errorCode: 0 }))
    await client.metadata([])
    const body = { ...heartbeat, groupInstanceId: 'static' }
    const failure = client.request(apis.heartbeat, node, body, { maxVersion: 2 })
    expect(await errorOf(failure)).toMatchObject({ name: 'INVALID_REQUEST' })
    await client.request(apis.heartbeat, node, heartbeat)
    client.close()
  })
})

describe('a connection', () => {
  test('carries many requests at once and gives each its own answer', async () => {
    const { broker, client } = await scripted()
    broker.on(apis.findCoordinator, async ({ coordinatorKeys }) => {
      // The first takes longest: the others wait behind it.
      if (coordinatorKeys[0] === 'group 0') await new Promise((done) => setTimeout(done, 20))
      const [key] = coordinatorKeys
      return {
        coordinators: [{ key, nodeId, host: key, port: 1, errorCode: 0, errorMessage: null }],
      }
    })
    await client.metadata([])
    const groups = Array.from({ length: 250 }, (_, index) => `group ${index}`)
    const answers = await Promise.all(
      groups.map((group) =>
        client.request(apis.findCoordinator, node, { coordinatorKeys: [group], keyType: 0 }),
      ),
    )
    expect(answers.map((answer) => answer.coordinators[0].host)).toEqual(groups)
    client.close()
  })

  test('that hangs up fails what is under way, and the next request gets a new one', async () => {
    const { broker, client } = await scripted()
    let heartbeats = 0
    broker.on(apis.heartbeat, () => (++heartbeats === 1 ? 'hang-up' : { errorCode: 0 }))
    await client.metadata([])
    const both = [1, 2].map(() => errorOf(client.request(apis.heartbeat, node, heartbeat)))
    for (const error of await Promise.all(both)) {
      expect(error).toMatchObject({ name: 'NETWORK_EXCEPTION', retriable: true })
    }
    expect(await client.request(apis.heartbeat, node, heartbeat)).toMatchObject({ errorCode: 0 })
    expect(broker.count(apis.apiVersions)).toBe(2)
    client.close()
  })

  test('that does not answer in time is given up, with all that waits on it', async () => {
    const { broker, client } = await scripted({ requestTimeoutMs: 5000 })
    broker.on(apis.heartbeat, () => 'silence')
    await client.metadata([])
    const patient = errorOf(client.request(apis.heartbeat, node, heartbeat))
    const impatient = errorOf(client.request(apis.heartbeat, node, heartbeat, { timeoutMs: 20 }))
    expect(await impatient).toMatchObject({ name: 'REQUEST_TIMED_OUT' })
    expect(await patient).toMatchObject({ name: 'NETWORK_EXCEPTION' })
    client.close()
  })

  test('with garbage on it is closed', async () => {
    const { broker, client } = await scripted()
    broker.on(apis.heartbeat, (_request, { connection }) => {
      connection.write([Buffer.from('00000008ffffffff00000000', 'hex')])
      return 'silence'
    })
    await client.metadata([])
    const error = await errorOf(client.request(apis.heartbeat, node, heartbeat))
    expect(error.message).toMatch(/sent what cannot be read/)
    client.close()
  })

  test('of a lane of its own is not held up by others', async () => {
    const { broker, client } = await scripted()
    broker.on(apis.joinGroup, () => 'silence')
    broker.on(apis.heartbeat, () => ({ errorCode: 0 }))
    await client.metadata([])
    const lane = client.newLane('group')
    const join = {
      groupId: 'group',
      sessionTimeoutMs: 1,
      memberId: '',
      protocolType: '',
      protocols: [],
    }
    const joining = errorOf(client.request(apis.joinGroup, node, join, { lane }))
    await client.request(apis.heartbeat, node, heartbeat)
    client.closeLane(lane)
    expect(await joining).toMatchObject({ name: 'NETWORK_EXCEPTION' })
    client.close()
  })

  test('that cannot be made is said, after each address was tried', async () => {
    const { broker, client } = await scripted()
    await broker.stop()
    expect(await errorOf(client.metadata([]))).toMatchObject({ name: 'NETWORK_EXCEPTION' })
    client.close()
    expect(await errorOf(client.metadata([]))).toMatchObject({ name: 'NETWORK_EXCEPTION' })
  })
})

describe('retry', () => {
  test('goes on while the error is retriable and there is time', async () => {
    const { client } = await scripted()
    let attempts = 0
    const result = await client.retry(async () => {
      if (++attempts < 4) throw new KafkaError(errors.COORDINATOR_LOAD_IN_PROGRESS)
      return 'done'
    })
    expect([result, attempts]).toEqual(['done', 4])
    const endless = client.retry(
      async () => {
        throw new KafkaError(errors.LEADER_NOT_AVAILABLE)
      },
      { timeoutMs: 30 },
    )
    expect(await errorOf(endless)).toMatchObject({ name: 'LEADER_NOT_AVAILABLE' })
    client.close()
  })

  test('does not repeat what fails for good, and hides no bug', async () => {
    const { client } = await scripted()
    let attempts = 0
    const failing = client.retry(async () => {
      attempts += 1
      throw new KafkaError(errors.INVALID_GROUP_ID)
    })
    expect(await errorOf(failing)).toMatchObject({ name: 'INVALID_GROUP_ID' })
    expect(attempts).toBe(1)
    const bug = client.retry(async () => {
      throw new TypeError('a bug')
    })
    await expect(bug).rejects.toThrow(TypeError)
    client.close()
  })
})

describe('metadata', () => {
  test('is asked for once, also by many at the same time', async () => {
    const { broker, client } = await scripted()
    const many = Array.from({ length: 20 }, () => client.metadata(['topic']))
    for (const { topics } of await Promise.all(many)) {
      expect(topics.get('topic')).toMatchObject({ name: 'topic', error: 0 })
      expect(topics.get('topic')?.partitions.map(({ leader }) => leader)).toEqual([1, 1])
    }
    await client.metadata(['topic'])
    expect(broker.count(apis.metadata)).toBe(1)
    client.forgetTopic('topic')
    await client.metadata(['topic'])
    expect(broker.count(apis.metadata)).toBe(2)
    client.close()
  })

  test('of a topic that is not there is not kept', async () => {
    const { broker, client } = await scripted()
    const first = await client.metadata(['later'])
    expect(first.topics.get('later')).toMatchObject({ error: errors.UNKNOWN_TOPIC_OR_PARTITION })
    broker.topics['later'] = { id: 'AAAAAAAAAAAAAAAAAAAAAg', partitions: 1 }
    const second = await client.metadata(['later'])
    expect(second.topics.get('later')).toMatchObject({ error: 0 })
    client.close()
  })

  test('grows old', async () => {
    const { broker, client, clock } = await scripted({ metadataMaxAgeMs: 1000 })
    await client.metadata(['topic'])
    expect(client.topic('topic')).toBeDefined()
    clock.advance(1001)
    expect(client.topic('topic')).toBeUndefined()
    await client.metadata(['topic'])
    expect(broker.count(apis.metadata)).toBe(2)
    client.close()
  })
})

describe('coordinators', () => {
  test('are looked up once and forgotten when told', async () => {
    const { broker, client } = await scripted()
    broker.on(apis.findCoordinator, ({ coordinatorKeys: [key] }) => {
      const { host, port } = broker.address
      return { coordinators: [{ key, nodeId, host, port, errorCode: 0, errorMessage: null }] }
    })
    broker.on(apis.heartbeat, () => ({ errorCode: 0 }))
    for (let repeat = 0; repeat < 3; repeat++) {
      await client.request(apis.heartbeat, { group: 'group' }, heartbeat)
    }
    expect(broker.count(apis.findCoordinator)).toBe(1)
    client.forgetCoordinator('group')
    await client.request(apis.heartbeat, { group: 'group' }, heartbeat)
    expect(broker.count(apis.findCoordinator)).toBe(2)
    client.close()
  })
})
