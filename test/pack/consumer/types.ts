// Compiled, never run: the types say what they should.

import { Sluice, type SluiceOptions } from 'sluice'

const options: SluiceOptions = { configs: { 'num.partitions': 3 }, topics: ['a', { name: 'b' }] }

export async function use(): Promise<number> {
  await using sluice = await Sluice.start(options)
  await sluice.reset()
  await sluice.advance(1000)
  sluice.fail('Produce', 'NOT_LEADER_OR_FOLLOWER', { times: 2 })
  // @ts-expect-error the number of times is a number
  sluice.fail('Produce', 'NOT_LEADER_OR_FOLLOWER', { times: 'twice' })
  const [record] = await sluice.records('a')
  const value: Buffer | null = record.value
  return value?.length ?? 0
}
