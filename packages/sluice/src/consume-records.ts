// Consumes records: reads until it was enough (--max, --until-end, --timeout) or a signal comes, and
// prints no faster than its reader takes it.

import { consumerConfig } from '@sluice/core/config/client-config'
import type { ConfigEntry } from '@sluice/core/config/config-entry'
import { bootstrapOf, invalidConfigs, withClient } from './client.ts'
import type { ConsumeOptions } from './commands/consume.ts'
import { Output } from './output.ts'
import { recordPrinter } from './record-format.ts'
import { openSource, type RecordSource } from './record-source.ts'

/** A poll waits so long at most, so that the end is noticed where it brings no record. */
const pollMs = 500

export async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const given: ConfigEntry[] = [...(options.config ?? [])]
  if (options.group !== undefined) given.push({ name: 'group.id', value: options.group })
  const resolved = consumerConfig(given)
  if (!resolved.ok) throw invalidConfigs(resolved.errors)
  const { config } = resolved
  const bootstrap = bootstrapOf(options.bootstrap, config, given)
  await withClient(bootstrap, config, async (client) => {
    const source = await openSource(client, topic, { config, options })
    let interrupted = false
    const interrupt = () => {
      if (interrupted) process.exit(1)
      interrupted = true
      source.interrupt()
    }
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
    try {
      await print(source, options, () => interrupted)
    } finally {
      await source.close()
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    }
  })
}

async function print(
  source: RecordSource,
  options: ConsumeOptions,
  interrupted: () => boolean,
): Promise<void> {
  const { max = Number.POSITIVE_INFINITY, timeout = Number.POSITIVE_INFINITY } = options
  const output = new Output()
  const printRecord = recordPrinter(options.format, { output, keySeparator: options.keySeparator })
  let printed = 0
  let lastRecordMs = performance.now()
  while (printed < max && !interrupted()) {
    if (options.untilEnd && source.atEnd) break
    const idleMs = performance.now() - lastRecordMs
    if (idleMs >= timeout) break
    const fetched = await source.poll(Math.min(pollMs, timeout - idleMs))
    for (const { partition, records } of fetched) {
      const some = Math.min(records.length, max - printed)
      for (let index = 0; index < some; index++) {
        printRecord(records[index], partition)
        if (output.full) await output.flush()
      }
      if (some < records.length) source.unread(partition, records[some].offset)
      printed += some
    }
    await output.flush()
    if (fetched.length > 0) lastRecordMs = performance.now()
  }
}
