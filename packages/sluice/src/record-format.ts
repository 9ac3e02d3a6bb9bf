// RecordFormat: how `sluice consume` prints a record.
//
//   value       the bytes of the value and a newline; nothing else is added or changed
//   key-value   the bytes of the key, the separator, the bytes of the value, a newline
//   json        a line of JSON, as the HTTP API has it (bytes that are no text: key_b64, value_b64)
//   base64      the same with key_b64 and value_b64 always: exact whatever the bytes are

import { recordText, type ValueFormat } from '@sluice/gateway/record-text'
import type { Record } from '@sluice/protocol/records/record'
import type { Output } from './output.ts'

export const recordFormats = ['value', 'key-value', 'json', 'base64'] as const
export type RecordFormat = (typeof recordFormats)[number]

export type RecordPrinter = (record: Record, partition: number) => void

const newline = Buffer.from('\n')

export function recordPrinter(
  format: RecordFormat,
  { output, keySeparator }: { output: Output; keySeparator: string },
): RecordPrinter {
  const separator = Buffer.from(keySeparator)
  switch (format) {
    case 'value':
      return ({ value }) => {
        if (value !== null) output.add(value)
        output.add(newline)
      }
    case 'key-value':
      return ({ key, value }) => {
        if (key !== null) output.add(key)
        output.add(separator)
        if (value !== null) output.add(value)
        output.add(newline)
      }
    case 'json':
      return jsonPrinter(output, 'auto')
    case 'base64':
      return jsonPrinter(output, 'base64')
  }
}

function jsonPrinter(output: Output, format: ValueFormat): RecordPrinter {
  return (record, partition) => {
    output.add(Buffer.from(recordText(partition, record, format)))
    output.add(newline)
  }
}
