// LogFinding: one thing that a dump of a log's files prints: a batch, a record, an entry of an index or a
// checkpoint, something wrong, or what a file holds in all.

export type Fields = Readonly<{
  [name: string]: string | number | boolean | null | Fields | Field[]
}>
type Field = string | number

export interface LogFinding {
  readonly kind: 'batch' | 'record' | 'entry' | 'mismatch' | 'summary'
  readonly fields: Fields
}

export function mismatch(what: string, fields: Fields = {}): LogFinding {
  return { kind: 'mismatch', fields: { what, ...fields } }
}

export function entry(fields: Fields): LogFinding {
  return { kind: 'entry', fields }
}

export function summary(fields: Fields): LogFinding {
  return { kind: 'summary', fields }
}

/** As kafka-dump-log prints it: name: value name: value. */
export function findingText({ kind, fields }: LogFinding): string {
  const texts = Object.entries(fields).map(([name, value]) => `${name}: ${valueText(value)}`)
  switch (kind) {
    case 'record':
      return `| ${texts.join(' ')}`
    case 'mismatch': {
      const [, ...rest] = texts
      return `MISMATCH ${fields['what']}${rest.length === 0 ? '' : ` (${rest.join(', ')})`}`
    }
    case 'summary':
      return `= ${texts.join(', ')}`
    default:
      return texts.join(' ')
  }
}

function valueText(value: Fields[string]): string {
  if (Array.isArray(value)) return `[${value.join(',')}]`
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}
