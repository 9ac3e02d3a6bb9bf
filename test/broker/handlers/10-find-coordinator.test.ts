import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupConfig } from '../requests.ts'
import { TestBroker, type TestClient } from '../test-broker.ts'

let server: TestBroker
let client: TestClient

beforeAll(async () => {
  server = await TestBroker.start({ config: groupConfig })
  client = await server.connect()
})
afterAll(() => server.close())

const here = { nodeId: 1, host: 'broker', port: 9092, errorCode: errors.NONE }

test.each([0, 1, 2, 3])('v%i: one group, at the address of the listener', async (version) => {
  expect(await client.send(apis.findCoordinator, version, { key: 'readers' })).toMatchObject(here)
})

test.each([4, 5, 6])('v%i: several groups', async (version) => {
  const answer = await client.send(apis.findCoordinator, version, { coordinatorKeys: ['a', 'b'] })
  expect(answer.coordinators).toMatchObject([
    { key: 'a', ...here },
    { key: 'b', ...here },
  ])
  // The coordinator is ready by then: no client has to come back.
  const list = await client.send(apis.listGroups, 5, {})
  expect(list.errorCode).toBe(errors.NONE)
})

test.each([1, 2, 3, 4, 5, 6])(
  'v%i: transactions are refused for good, with a reason',
  async (version) => {
    const answer = await client.send(apis.findCoordinator, version, {
      key: 'payments',
      keyType: 1,
      coordinatorKeys: version >= 4 ? ['payments'] : [],
      ...(version >= 4 && { key: '' }),
    })
    const { errorCode, errorMessage } = version >= 4 ? answer.coordinators[0] : answer
    expect(errorCode).toBe(errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    expect(errorMessage).toMatch(/not supported yet/)
  },
)

test('v6: so are keys of other types', async () => {
  const answer = await client.send(apis.findCoordinator, 6, { keyType: 2, coordinatorKeys: ['x'] })
  expect(answer.coordinators[0]).toMatchObject({ nodeId: -1, errorCode: errors.INVALID_REQUEST })
})
