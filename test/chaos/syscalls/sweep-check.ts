// What must hold when the sweep's log is opened after a fault: everything that was promised is there, each record where
// it was acknowledged and as it was sent; the producer goes on where it was; no file is damaged and none is left
// behind; a clean stop and another start change nothing.

import { readdirSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { dumpFile, filesOf } from '../../../packages/sluice/src/log-dump.ts'
import { clean, latest, recordsIn } from '../../core/log/compacted.ts'
import { readAll } from '../../core/log/fixture.ts'
import { type Event, type Operation, pairsOfBatches } from './operations.ts'
import { oldTopicId, SweepWorld, valueAt } from './sweep-world.ts'

/** How many of its last batches a producer sends again. */
const repeated = 3

/** What the log may be, by what the process said. */
interface Promised {
  topicId: string
  /** End offsets. */
  atLeast: number
  atMost: number
  /** Where it begins at least. */
  start: number
  /** From here on records are those that were written after a cut. */
  againFrom: number
}

/** @returns what is wrong, in words. */
export async function check(
  operation: Operation,
  folder: string,
  events: readonly Event[],
): Promise<string[]> {
  const promised = promisedBy(operation, events)
  const wrong: string[] = []
  const world = await SweepWorld.open({ folder, kind: operation.kind })
  await world.openLog('t', promised.topicId)
  const other = await world.openLog('other')
  const compacted = operation.kind === 'compacted'
  wrong.push(...(compacted ? await checkTable(world) : await checkRecords(world, promised)))
  const found = await readAll(world.log)
  await world.manager.removeStrays()
  await world.manager.close()
  // Where one directory failed it was made in the other.
  wrong.push(...damaged([world.log.folder, other.folder]), ...leftovers(folder))
  const again = await SweepWorld.open({ folder, kind: operation.kind })
  await again.openLog('t', promised.topicId)
  if (!isDeepStrictEqual(await readAll(again.log), found)) {
    wrong.push('a clean stop and a start have changed the log')
  }
  await again.manager.close()
  return wrong
}

function promisedBy({ prepared, steps }: Operation, events: readonly Event[]): Promised {
  const appends = steps.flatMap(({ promise }) =>
    promise !== undefined && 'acknowledged' in promise ? [promise.acknowledged + 1] : [],
  )
  const promised: Promised = {
    topicId: oldTopicId,
    atLeast: prepared,
    atMost: Math.max(prepared, ...appends),
    start: 0,
    againFrom: Number.POSITIVE_INFINITY,
  }
  for (const event of events) {
    if ('acknowledged' in event) promised.atLeast = event.acknowledged + 1
    if ('start' in event) promised.start = event.start
    if ('made' in event) Object.assign(promised, { topicId: event.made, atLeast: 0, againFrom: 0 })
    if ('cut' in event) promised.atLeast = event.cut
    if ('cut' in event && event.done) promised.againFrom = event.cut
  }
  return promised
}

async function checkRecords(world: SweepWorld, promised: Promised): Promise<string[]> {
  const { log } = world
  const { startOffset, endOffset } = log
  const { start, atLeast, atMost, againFrom } = promised
  const wrong: string[] = []
  if (startOffset < start) wrong.push(`begins at ${startOffset}, promised was ${start}`)
  if (endOffset < atLeast) wrong.push(`ends at ${endOffset}, acknowledged was up to ${atLeast}`)
  if (endOffset > atMost) wrong.push(`ends at ${endOffset}, sent was up to ${atMost}`)
  const generation = (offset: number) => (offset < againFrom ? 0 : 1)
  const expected = (to: number) => {
    const offsets = Array.from({ length: to - startOffset }, (_, i) => startOffset + i)
    return new Map(offsets.map((offset) => [offset, valueAt(offset, generation(offset))]))
  }
  const holds = async (to: number, when: string) => {
    const found = await readAll(log)
    if (isDeepStrictEqual(found, expected(to))) return
    wrong.push(`${when} it holds ${JSON.stringify([...found])}`)
  }
  await holds(endOffset, 'after the start')
  // Its producer does not know which of them came: it sends them again, and goes on.
  const from = Math.max(startOffset, endOffset - repeated)
  for (let offset = from; offset < endOffset + repeated; offset++) {
    const at = await world.append(offset, generation(offset))
    if (at !== offset) wrong.push(`sent again, ${offset} stands at ${at}`)
  }
  await holds(endOffset + repeated, 'after the producer went on')
  return wrong
}

async function checkTable(world: SweepWorld): Promise<string[]> {
  const { log, clock } = world
  const wrong: string[] = []
  const written = pairsOfBatches.flat().map(([key, value], offset) => ({ offset, key, value }))
  const table = latest(written.map((record) => ({ ...record, timestamp: 0 })))
  const holds = async (when: string) => {
    const records = await recordsIn(log)
    if (!isDeepStrictEqual(latest(records), table)) {
      wrong.push(`${when} the table is ${JSON.stringify([...latest(records)])}`)
    }
    for (const { offset, key, value } of records) {
      const sent = written[offset]
      if (sent.key === key && sent.value === value) continue
      wrong.push(`${when} ${offset} holds ${key} ${value}, not ${sent.key} ${sent.value}`)
    }
  }
  const { startOffset, endOffset } = log
  if (startOffset !== 0 || endOffset !== written.length) {
    wrong.push(`goes from ${startOffset} to ${endOffset}, not from 0 to ${written.length}`)
  }
  await holds('after the start')
  const lastPairs = pairsOfBatches.at(-1) ?? []
  const lastOffset = written.length - lastPairs.length
  const at = await world.appendPairs(lastPairs, lastOffset)
  if (at !== lastOffset) wrong.push(`sent again, ${lastOffset} stands at ${at}`)
  await clean(log, clock)
  await holds('cleaned again')
  return wrong
}

/** As `sluice log dump --check` tells it. */
function damaged(logs: readonly string[]): string[] {
  return logs
    .flatMap(filesOf)
    .flatMap((file) =>
      [...dumpFile(file, { records: false })].flatMap(({ kind, fields }) =>
        kind === 'mismatch' ? [`${file}: ${fields['what']}`] : [],
      ),
    )
}

/** The file that takes the place of a checkpoint is made again when that is written again. */
const checkpointBegun = /^[ab]\/[^/]*\.tmp$/

function leftovers(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const left = names.filter((name) => /(\.(swap|cleaned|deleted|tmp)|-delete|-stray)$/.test(name))
  return left.filter((name) => !checkpointBegun.test(name)).map((name) => `${name} is left behind`)
}
