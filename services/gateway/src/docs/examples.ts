// What the reference shows to copy into a terminal, by operationId: the options of curl, then the path and
// query where they are not the plain ones.

export interface Example {
  readonly options?: readonly string[]
  readonly query?: string
}

const json = "-H 'Content-Type: application/json'"

export const examples: { readonly [operationId: string]: readonly Example[] | undefined } = {
  createTopic: [{ options: [json, `-d '{"name":"orders","partitions":3}'`] }],
  ensureTopic: [{ options: [json, `-d '{"partitions":3,"config":{"retention.ms":"86400000"}}'`] }],
  alterTopic: [{ options: [json, `-d '{"partitions":6,"config":{"retention.ms":null}}'`] }],
  listOffsets: [{ query: '?at=2026-01-31T12:00:00Z' }],
  produce: [
    { options: ["-d 'any body is one record'"], query: '?key=k1' },
    { options: [json, `-d '{"records":[{"key":"k1","value":{"total":12.5}}]}'`] },
  ],
  produceToPartition: [{ options: ["-d 'hello'"] }],
  read: [
    { query: '?from=earliest&max_records=10&wait=1000' },
    { options: ['-N', "-H 'Accept: text/event-stream'"], query: '?from=latest' },
    { options: ['-N', "-H 'Accept: application/x-ndjson'"], query: '?follow=true' },
  ],
  readPartition: [
    { options: ["-H 'Accept: application/octet-stream'"], query: '?from=offset:0&max_records=1' },
    {
      options: ["-H 'Accept: application/vnd.kafka.recordbatch'", '-o batches.bin'],
      query: '?from=offset:0&to=offset:100',
    },
  ],
  resetGroupOffsets: [
    { options: [json, `-d '{"to":"earliest","topics":["orders"]}'`], query: '?dry_run=true' },
  ],
  deleteGroupOffsets: [{ query: '?topic=orders' }],
}
