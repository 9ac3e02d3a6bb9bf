// Records as NDJSON, one JSON object a line. A record has an `offset`; a line with a `cursor` says how to go on
// behind all lines before it: when everything is read, every 15 s, and at the end.
//
//   {"partition":0,"offset":41,"timestamp":…,"key":…,"value":…,"headers":[]}
//   {"cursor":"…","high_watermark":{"0":42},"caught_up":true}
//   {"cursor":"…","reconnect":"max_age"}     {"cursor":"…","error":{problem}}
//
// A stream whose last line has no cursor was cut off.

import type { Framing, Standing } from './record-stream.ts'

export const ndjsonLines: Framing = {
  opening: '',
  recordsTellCursor: false,
  records: (records, _cursor, style) => records.map((record) => `${record.text(style)}\n`).join(''),
  caughtUp: standingLine,
  heartbeat: standingLine,
  reconnect: ({ cursor }, reason) => `${JSON.stringify({ cursor, reconnect: reason })}\n`,
  error: ({ cursor }, problem) => `{"cursor":"${cursor}","error":${problem}}\n`,
  end: standingLine,
}

function standingLine({ cursor, highWatermark, caughtUp }: Standing): string {
  return `{"cursor":"${cursor}","high_watermark":${highWatermark},"caught_up":${caughtUp}}\n`
}
