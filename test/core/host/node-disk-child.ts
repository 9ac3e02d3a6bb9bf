// Run by node-disk.test.ts in a process whose files may not grow over a limit (ulimit -f): a write over
// it is cut short and the next one fails, as on a full disk.

import type { DiskError } from '@sluice/core/host/disk'
import { NodeDisk } from '@sluice/core/host/node/disk'

const [folder, limitText] = process.argv.slice(2)
const limitBytes = Number(limitText)
const disk = new NodeDisk(folder, { slowWriteMs: Number.POSITIVE_INFINITY })
const file = disk.openSync('log', { create: true })

function kindOf(error: unknown): string {
  return (error as DiskError).kind
}

function appendSync(bytes: number): string {
  try {
    file.append([Buffer.alloc(bytes, 1), Buffer.alloc(10, 2)])
    return 'done'
  } catch (error) {
    return kindOf(error)
  }
}

async function onDiskBytes(): Promise<number> {
  return (await disk.readFile('log')).length
}

const report: unknown[] = []
report.push(appendSync(limitBytes - 1_000), appendSync(2_000), file.sizeBytes, await onDiskBytes())

const flushing = file.flush()
const during = [file.append([Buffer.alloc(2_000)]), file.append([Buffer.from('behind it')])]
const settled = await Promise.allSettled(during)
await flushing
for (const result of settled) {
  report.push(result.status === 'rejected' ? kindOf(result.reason) : 'done')
}
report.push(file.sizeBytes, await onDiskBytes(), appendSync(100), file.sizeBytes)
console.log(JSON.stringify(report))
