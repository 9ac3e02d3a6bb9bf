// A record on its way to readers. Its JSON text is made once for all of them, when the first one asks.

import type { Record } from '@sluice/protocol/records/record'
import { recordText, type TextStyle } from './record-text.ts'

export class ReadRecord {
  readonly partition: number
  readonly record: Record
  #style: TextStyle | undefined
  #text = ''

  constructor(partition: number, record: Record) {
    this.partition = partition
    this.record = record
  }

  get offset(): number {
    return this.record.offset
  }

  /** About what it takes in memory and on the wire. */
  get bytes(): number {
    const { key, value } = this.record
    return overheadBytes + (key?.length ?? 0) + (value?.length ?? 0)
  }

  text(style: TextStyle): string {
    const { format, bigint } = style
    if (this.#style?.format !== format || this.#style.bigint !== bigint) {
      this.#text = recordText(this.partition, this.record, format, bigint)
      this.#style = style
    }
    return this.#text
  }
}

const overheadBytes = 100
