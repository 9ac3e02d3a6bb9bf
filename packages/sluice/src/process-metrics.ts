// What a process publishes of itself, by the names that Prometheus' own clients use, and how busy its event
// loop is: a broker is one loop, so this stands where Kafka has the idle share of its request handlers.

import { readdirSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Metrics } from '@sluice/core/metrics/metrics'

const openFilesFolder = '/proc/self/fd'

export function publishProcess(metrics: Metrics): void {
  const counter = (name: string, help: string, value: () => number) =>
    metrics.counter({ name, help, collect: () => [{ value: value() }] })
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.gauge({ name, help, collect: () => [{ value: value() }] })
  counter('process_cpu_seconds_total', 'CPU time of the process.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge('process_heap_bytes', 'JavaScript heap in use.', () => process.memoryUsage().heapUsed)
  gauge('process_start_time_seconds', 'Start, since the Unix epoch.', () => {
    return performance.timeOrigin / 1000
  })
  gauge('process_open_fds', 'Open file descriptors; 0 where they cannot be counted.', openFiles)
  counter('sluice_event_loop_active_seconds_total', 'Time the event loop was at work.', () => {
    return performance.eventLoopUtilization().active / 1000
  })
  counter('sluice_event_loop_idle_seconds_total', 'Time the event loop had nothing to do.', () => {
    return performance.eventLoopUtilization().idle / 1000
  })
}

function openFiles(): number {
  try {
    return readdirSync(openFilesFolder).length
  } catch {
    return 0
  }
}
