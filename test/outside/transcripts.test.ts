// Apache Kafka's command-line tools against transcripts that Apache Kafka itself gave (transcripts/*.txt): what a
// tool prints, and its exit status, must be the same here. A transcript is a command, then what it printed:
//
//   > kafka-topics --create --topic orders        a tool; --bootstrap-server goes without saying
//   Created topic orders.
//
//   > kafka-topics --list | grep order | sort     lines that match, in order
//   > kafka-topics --delete --topic gone
//   Error while executing topic command : Topic 'gone' does not exist as expected
//   status 1
//
// and, for what tools do not do themselves (scene.ts): `> produce …`, `> member …`, `> write FILE text`.
// What differs from run to run is written as <id>, <broker>, … (plain.ts).
// What came instead is left in .cache/outside/transcripts, to be compared.
// To write them anew, and review what changed: TARGET=apache REWRITE=1 npm run test:outside -- transcripts

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTarget } from './target.ts'
import { Scene } from './transcripts/scene.ts'

const folder = join(import.meta.dirname, 'transcripts')
const came = join(import.meta.dirname, '../../.cache/outside/transcripts')
const rewrite = process.env['REWRITE'] === '1' && process.env['TARGET'] === 'apache'

const configs = {
  'num.partitions': '2',
  'auto.create.topics.enable': 'false',
  'offsets.topic.num.partitions': '5',
  'group.initial.rebalance.delay.ms': '0',
}

/** Each has a broker of its own: what one leaves behind is not in the answers to another. */
for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  test(file, { timeout: 300_000 }, async () => {
    const path = join(folder, file)
    const recorded = readFileSync(path, 'utf8')
    const run = await replay(recorded)
    if (rewrite) return writeFileSync(path, run)
    mkdirSync(came, { recursive: true })
    writeFileSync(join(came, file), run)
    expect(run).toBe(recorded)
  })
}

/** The transcript as it is on this target: its commands and remarks, and what they print now. */
async function replay(transcript: string): Promise<string> {
  const target = await startTarget(configs)
  try {
    await using scene = new Scene(target)
    return await play(scene, transcript)
  } finally {
    await target.stop()
    target.remove()
  }
}

async function play(scene: Scene, transcript: string): Promise<string> {
  const lines: string[] = []
  for (const line of transcript.split('\n')) {
    if (line.startsWith('#')) lines.push(line)
    if (!line.startsWith('> ')) continue
    const printed = await scene.run(line.slice(2))
    lines.push('', line, ...printed)
  }
  return `${lines.join('\n').trim()}\n`
}
