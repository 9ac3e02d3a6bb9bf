// What a tool printed, without what differs from run to run and from broker to broker: addresses, ids, times,
// column widths, stack traces.

import type { ToolResult } from '../kafka/apache.ts'
import type { Target } from '../target.ts'

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

export function plainLines({ status, stdout, stderr }: ToolResult, target: Target): string[] {
  const lines = `${stdout}\n${stderr}`
    .replaceAll(target.dataFolder, '<data>')
    .replaceAll(target.bootstrap, '<broker>')
    .replaceAll(uuid, '<uuid>')
    .replace(/(TopicId: )[\w-]{22}/g, '$1<id>')
    .replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} /gm, '')
    .split('\n')
    .map((line) => line.trimEnd().replace(/\s+/g, ' '))
    .filter((line) => line !== '' && !/^ ?(at |\.\.\. \d+ (common frames|more))/.test(line))
    .map((line) => line.replace(/^ /, ''))
  return status === 0 ? lines : [...lines, `status ${status}`]
}
