// npm run sim -- --seed N [--trace]          one seed; --trace prints what happened
// npm run sim -- --seeds N [--from N]        many; without --from they begin at 1
//
// Each seed is run twice and must give the same trace hash. A failing seed prints the command that replays
// it and the faults that were drawn; the exit status is 1.

import { parseArgs } from 'node:util'
import { type Result, runSeed } from './simulation.ts'

const tailLines = 40
const progressEachMs = 10_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
})

function report(first: Result, second: Result): boolean {
  const violations = [...first.violations]
  if (first.traceHash !== second.traceHash) {
    violations.push(`two runs differ: ${first.traceHash} and ${second.traceHash}`)
    const at = first.lines.findIndex((line, index) => line !== second.lines[index])
    violations.push(`first at: ${first.lines[at]} | ${second.lines[at]}`)
  }
  if (values.trace) for (const line of first.lines) console.log(line)
  if (violations.length === 0) return true
  console.log(`\nseed ${first.seed} FAILED`)
  if (!values.trace) for (const line of first.lines.slice(-tailLines)) console.log(`  ${line}`)
  console.log(`faults: ${JSON.stringify(first.plan.faultPlan)}`)
  console.log(`broker: ${JSON.stringify(first.plan.broker)}`)
  for (const violation of violations) console.log(`violation: ${violation}`)
  console.log(`replay: npm run sim -- --seed ${first.seed} --trace`)
  return false
}

const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
const startMs = performance.now()
let failed = 0
let events = 0
let simulatedMs = 0
let acknowledged = 0
let progressMs = startMs
for (let seed = from; seed < from + count; seed++) {
  if (performance.now() - progressMs > progressEachMs) {
    progressMs = performance.now()
    console.log(`… ${seed - from} seeds, ${failed} failed`)
  }
  const first = await runSeed(seed)
  const second = await runSeed(seed)
  if (!report(first, second)) failed += 1
  events += first.events + second.events
  simulatedMs += first.simulatedMs + second.simulatedMs
  acknowledged += first.acknowledged
  if (count === 1) console.log(`trace hash ${first.traceHash}`)
}
const seconds = (performance.now() - startMs) / 1000
console.log(
  `${count - failed} passed, ${failed} failed, 0 skipped: seeds ${from} to ${from + count - 1}, each twice, ` +
    `in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(1)} seeds/s); ${events} events, ` +
    `${Math.round(simulatedMs / 1000)} simulated seconds, ${acknowledged} records acknowledged`,
)
process.exitCode = failed === 0 ? 0 : 1
