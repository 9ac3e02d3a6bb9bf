// Loaded into the broker's process before it starts (node --import): tells the parent, over their channel, what V8
// says of its memory. It keeps the process from nothing: neither its timer nor the channel hold it.

import { setInterval } from 'node:timers'

const eachMs = 1_000

if (process.send) {
  setInterval(() => process.send?.(process.memoryUsage()), eachMs).unref()
  process.channel?.unref()
}
