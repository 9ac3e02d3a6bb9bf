// Groups over HTTP: what their coordinator says of them, offsets reset and forgotten, and what is refused.

import { GroupConsumer } from '@sluice/core/kafka-client/group-consumer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await TestGateway.start({ config: { 'group.initial.rebalance.delay.ms': '0' } })
  await gateway.createTopic('orders', { partitions: 2 })
  for (const partition of [0, 0, 0, 1]) {
    await gateway.post(`/v1/topics/orders/partitions/${partition}/records`, `${partition}`)
  }
})

afterAll(() => gateway[Symbol.asyncDispose]())

const offsetsOf = async (group: string) => {
  const { json } = await gateway.get(`/v1/groups/${group}/offsets`)
  return json.offsets.map(({ offset }: { offset: number }) => offset)
}

const reset = (group: string, body: object, query = '') =>
  gateway.request('PUT', `/v1/groups/${group}/offsets${query}`, { body })

describe('a group with a member', () => {
  let consumer: GroupConsumer

  beforeAll(async () => {
    consumer = new GroupConsumer(gateway.client, {
      group: 'active',
      topics: ['orders'],
      offsetReset: 'earliest',
      instanceId: 'first',
      maxWaitMs: 20,
    })
    let seen = 0
    while (seen < 4) {
      for (const { records } of await consumer.poll(50)) seen += records.length
    }
    await consumer.commit()
  })

  afterAll(() => consumer.close())

  test('is listed and described, with what each member reads', async () => {
    const { json: list } = await gateway.get('/v1/groups?state=stable')
    expect(list).toMatchObject({
      groups: [{ group: 'active', state: 'Stable', type: 'classic', protocol_type: 'consumer' }],
      next: null,
    })
    const { json } = await gateway.get('/v1/groups/active')
    expect(json).toMatchObject({ group: 'active', state: 'Stable', coordinator: 1 })
    expect(json.members).toMatchObject([{ instance_id: 'first', topics: ['orders'] }])
    expect(json.members[0].assignment).toEqual([
      { topic: 'orders', partition: 0 },
      { topic: 'orders', partition: 1 },
    ])
    const members = await gateway.get('/v1/groups/active/members')
    expect(members.json.members).toEqual(json.members)
  })

  test('its lag', async () => {
    await gateway.post('/v1/topics/orders/partitions/1/records', 'one more')
    const { json } = await gateway.get('/v1/groups/active/lag')
    expect(json).toMatchObject({ group: 'active', state: 'Stable', lag: 1 })
    expect(json.partitions).toMatchObject([
      { topic: 'orders', partition: 0, committed: 3, end: 3, lag: 0 },
      { topic: 'orders', partition: 1, committed: 1, end: 2, lag: 1 },
    ])
    expect(json.partitions[0].member_id).toMatch(/./)
  })

  test('can be neither reset nor deleted, and what it reads not forgotten', async () => {
    const refused = await reset('active', { to: 'earliest' })
    expect([refused.status, refused.json.code]).toEqual([409, 'group_not_empty'])
    expect(refused.json.kafka.name).toBe('NON_EMPTY_GROUP')
    const deleted = await gateway.request('DELETE', '/v1/groups/active')
    expect([deleted.status, deleted.json.code]).toEqual([409, 'group_not_empty'])
    const forgotten = await gateway.request('DELETE', '/v1/groups/active/offsets?topic=orders')
    expect(forgotten.status).toBe(409)
    expect(forgotten.json.kafka.name).toBe('GROUP_SUBSCRIBED_TO_TOPIC')
    expect(forgotten.json.errors).toHaveLength(2)
    expect(await offsetsOf('active')).toEqual([3, 1])
  })
})

describe('offsets', () => {
  test('are reset by every strategy; a dry run changes nothing', async () => {
    const planned = await reset('fresh', { to: 'latest', topics: ['orders'] }, '?dry_run=true')
    expect(planned.json).toMatchObject({
      dry_run: true,
      offsets: [{ offset: 3, committed: null }, {}],
    })
    expect((await gateway.get('/v1/groups/fresh')).status).toBe(404)
    const first = await reset('fresh', { to: 'latest', topics: ['orders'] })
    expect(first.json).toMatchObject({ dry_run: false, offsets: [{ offset: 3, lag: 0 }, {}] })
    const end = first.json.offsets[1].offset
    expect(await offsetsOf('fresh')).toEqual([3, end])
    await reset('fresh', { to: 'shift:-1' })
    expect(await offsetsOf('fresh')).toEqual([2, end - 1])
    await reset('fresh', { to: 'earliest', partitions: [{ topic: 'orders', partition: 0 }] })
    expect(await offsetsOf('fresh')).toEqual([0, end - 1])
    const beyond = await reset('fresh', { to: 'offset:99' })
    expect(beyond.json.offsets[0].note).toMatch(/99 is behind the end/)
    expect(await offsetsOf('fresh')).toEqual([3, end])
    await reset('fresh', { to: 'ts:1970-01-01T00:00:00Z' })
    expect(await offsetsOf('fresh')).toEqual([0, 0])
    await reset('fresh', { to: 'current' })
    expect(await offsetsOf('fresh')).toEqual([0, 0])
    const offsets = [{ topic: 'orders', partition: 1, offset: 1 }]
    expect((await reset('fresh', { offsets })).json.offsets).toMatchObject([{ offset: 1 }])
    expect(await offsetsOf('fresh')).toEqual([0, 1])
  })

  test('are forgotten, one partition or all, and the group with them', async () => {
    await reset('leaving', { to: 'latest', topics: ['orders'] })
    const one = '/v1/groups/leaving/offsets?topic=orders&partition=0'
    const { json } = await gateway.request('DELETE', one)
    expect(json).toEqual({ offsets: [{ topic: 'orders', partition: 0 }] })
    expect(await offsetsOf('leaving')).toHaveLength(1)
    expect((await gateway.request('DELETE', one)).json).toEqual({ offsets: [] })
    expect((await gateway.request('DELETE', '/v1/groups/leaving')).status).toBe(204)
    expect((await gateway.get('/v1/groups/leaving')).status).toBe(404)
    expect((await gateway.request('DELETE', '/v1/groups/leaving')).json.code).toBe(
      'group_not_found',
    )
  })

  test('what makes no sense is refused, and nothing happens', async () => {
    for (const [body, status] of [
      [{}, 422],
      [{ to: 'somewhere' }, 422],
      [{ to: 'offset:-1' }, 422],
      [{ to: 'latest', offsets: [{ topic: 'orders', partition: 0, offset: 0 }] }, 422],
      [{ to: 'latest', topics: ['orders'], partitions: [{ topic: 'orders', partition: 0 }] }, 422],
      [{ to: 'latest', topics: ['none'] }, 404],
      [{ to: 'latest', partitions: [{ topic: 'orders', partition: 9 }] }, 404],
      [{ to: 'latest' }, 404],
      [{ to: 'shift:1', topics: ['orders'] }, 409],
      ['not json', 400],
    ] as const) {
      const answer = await gateway.request('PUT', '/v1/groups/senseless/offsets', {
        body,
        headers: { 'content-type': 'application/json' },
      })
      expect([body, answer.status]).toEqual([body, status])
      expect(answer.json.side_effects).toBe('none')
    }
    expect((await gateway.get('/v1/groups/senseless')).status).toBe(404)
  })
})

test('lists page by page', async () => {
  for (const name of ['page-a', 'page-b', 'page-c']) {
    await reset(name, { to: 'latest', topics: ['orders'] })
  }
  const seen: string[] = []
  let after = ''
  for (;;) {
    const { json } = await gateway.get(`/v1/groups?limit=2&after=${after}`)
    seen.push(...json.groups.map(({ group }: { group: string }) => group))
    expect(json.groups.length).toBeLessThanOrEqual(2)
    if (json.next === null) break
    after = json.next
  }
  expect(seen).toEqual(expect.arrayContaining(['active', 'page-a', 'page-b', 'page-c']))
  expect(new Set(seen).size).toBe(seen.length)
})

test('a group that there is not is 404 everywhere', async () => {
  for (const path of ['', '/members', '/lag', '/offsets']) {
    const { status, json } = await gateway.get(`/v1/groups/nobody${path}`)
    expect([path, status, json.code]).toEqual([path, 404, 'group_not_found'])
  }
  const forgotten = await gateway.request('DELETE', '/v1/groups/nobody/offsets?topic=orders')
  expect([forgotten.status, forgotten.json.code]).toEqual([404, 'group_not_found'])
})

test('names are taken as they are', async () => {
  const name = 'a group/with every?thing'
  const path = `/v1/groups/${encodeURIComponent(name)}`
  await gateway.request('PUT', `${path}/offsets`, { body: { to: 'latest', topics: ['orders'] } })
  expect((await gateway.get(path)).json.group).toBe(name)
})
