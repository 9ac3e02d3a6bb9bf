// npm run chaos -- idempotency [--requests 10000] [--cut 0.3] [--kills 5] [--seed N]   keyed requests, each once
//
// Requests under an Idempotency-Key each, of which a share have their connections cut, while the broker is killed
// (kill -9) and started again; each is sent until it is answered. Then the log holds as many records as there were
// requests, each where its answer said, and the same keys with another body are refused. Exit status 1 otherwise.

import { parseArgs } from 'node:util'
import { runKeyed } from './idempotency/keyed-requests.ts'

const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    cut: { type: 'string', default: '0.3' },
    kills: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
})
const requests = Number(options.requests)
const begunMs = Date.now()
console.log(`seed ${options.seed}`)
const result = await runKeyed({
  requests,
  cutShare: Number(options.cut),
  kills: Number(options.kills),
  seed: options.seed,
  report: (text) => console.log(text),
})
const { violations, records, ...counts } = result
const seconds = ((Date.now() - begunMs) / 1000).toFixed(1)
console.log(`${requests} requests, ${records} records, ${seconds} s`, counts)
for (const violation of violations.slice(0, 20)) console.log(violation)
const passed = violations.length === 0 && records === requests
console.log(passed ? 'passed' : `FAILED, ${violations.length} violations`)
process.exitCode = passed ? 0 : 1
