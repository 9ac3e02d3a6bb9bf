// `sluice records delete`: moves the start of partitions forward, and prints where they begin now.

import { readFileSync } from 'node:fs'
import { Admin } from '@sluice/core/kafka-client/admin'
import type { RecordsToDelete } from '@sluice/core/kafka-client/delete-records'
import { errors } from '@sluice/protocol/errors'
import { withCluster } from './client.ts'
import type { DeleteRecordsOptions } from './commands/records.ts'
import { unreadable, usageFailure } from './failure.ts'
import { refuseFailed } from './outcome.ts'
import { print, printJson } from './output.ts'
import { outcomesOf, type PartitionScope, partitionsIn } from './partition-scope.ts'
import { table } from './table.ts'

export async function deleteRecords(
  scopes: readonly PartitionScope[],
  { bootstrap, before, fromFile, json }: DeleteRecordsOptions,
): Promise<void> {
  const fromList = fromFile === undefined ? undefined : readList(fromFile)
  if ((fromList === undefined) === (scopes.length === 0)) {
    throw usageFailure('name partitions and --before, or a list of both with --from-file')
  }
  if (fromList === undefined && before === undefined) {
    throw usageFailure('say which records: --before OFFSET, or --before end')
  }
  await withCluster(bootstrap, async (client) => {
    const admin = new Admin(client)
    const places = async () => {
      const found = await partitionsIn(admin, scopes)
      return found.map((place) => ({ ...place, before: before ?? 0 }))
    }
    const answers = await admin.deleteRecords(fromList ?? (await places()))
    const done = answers
      .filter(({ error }) => error === errors.NONE)
      .map(({ topic, partition, startOffset }) => ({ topic, partition, startOffset }))
    if (json) printJson(done)
    else if (done.length > 0) {
      const columns = ['PARTITION', 'START'].map((title) => ({ title, right: true }))
      print(table([{ title: 'TOPIC' }, ...columns], done.map(Object.values)))
    }
    refuseFailed(outcomesOf(answers))
  })
}

function readList(file: string): RecordsToDelete[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (error) {
    throw usageFailure(`${file} is no JSON: ${(error as Error).message}`)
  }
  const { partitions } = (list ?? {}) as { partitions?: unknown }
  if (!Array.isArray(partitions)) throw usageFailure(`${file}: 'partitions' must be a list`)
  return partitions.map((entry, index) => {
    if (!isListed(entry)) {
      const form = '{"topic": "orders", "partition": 0, "offset": 1000}'
      throw usageFailure(`${file}: entry ${index + 1} of 'partitions' is not of the form ${form}`)
    }
    const { topic, partition, offset } = entry
    return { topic, partition, before: offset < 0 ? 'end' : offset }
  })
}

interface Listed {
  readonly topic: string
  readonly partition: number
  /** -1 stands for the end. */
  readonly offset: number
}

/** An entry in the file of Kafka's tool. */
function isListed(value: unknown): value is Listed {
  if (typeof value !== 'object' || value === null) return false
  const { topic, partition, offset } = value as Record<keyof Listed, unknown>
  const whole = (of: unknown, min: number) => Number.isSafeInteger(of) && (of as number) >= min
  return typeof topic === 'string' && whole(partition, 0) && whole(offset, -1)
}
