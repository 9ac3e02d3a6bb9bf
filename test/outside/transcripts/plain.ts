// What a tool printed, without what differs from run to run and from broker to broker: addresses, ids, times,
// column widths, stack traces.

import type { ToolResult } from '../kafka/apache.ts'
import type { Target } from '../target.ts'

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

export function plainLines({ status, stdout, stderr }: ToolResult, target: Target): string[] {
  const lines = `${withoutUsage(stdout)}\n${withoutUsage(stderr)}`
    .replaceAll(target.dataFolder, '<data>')
    .replaceAll(target.bootstrap, '<broker>')
    .replace(new RegExp(`\\b${target.port}\\b`, 'g'), '<port>')
    // A member's id ends in random characters, as many as the broker likes.
    .replace(new RegExp(`\\bscene-(${uuid}|[\\w-]{22})`, 'g'), 'scene-<id>')
    .replace(/((?:TopicId|Cluster ID): )[\w-]{22,}/g, '$1<id>')
    .replace(/(Epoch: )\d+/g, '$1<n>')
    .replace(/("timestamp":)\d+/g, '$1<time>')
    .replace(/adminclient-\d+/g, 'adminclient-<n>')
    .replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} /gm, '')
    .split('\n')
    .map((line) => line.trimEnd().replace(/\s+/g, ' '))
    .filter((line) => line !== '' && !/^ ?(at |\.\.\. \d+ (common frames|more))/.test(line))
    .map((line) => line.replace(/^ /, ''))
  return status === 0 ? lines : [...lines, `status ${status}`]
}

/** An answer of the protocol (asking.ts). Kafka has no message now as null and now as an empty text. */
export function plainAnswer(answer: string, target: Target): string {
  return answer
    .replace(new RegExp(`\\b${target.port}\\b`, 'g'), '<port>')
    .replace(/((?:topicId|clusterId):)"(?!A{22})[\w-]{22,}"/g, '$1<id>')
    .replaceAll('errorMessage:""', 'errorMessage:null')
}

/** How a tool is used is its own affair; it stands at the end of what it prints. */
function withoutUsage(text: string): string {
  return text.replace(/^Option .*Description *$[\s\S]*/m, '<usage>')
}
