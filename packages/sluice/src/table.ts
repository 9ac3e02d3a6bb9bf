// Table: rows of text in columns, for people to read and for `awk` to cut: a header in capitals, two blanks
// between columns, '-' for what there is not, and no line that ends in blanks.

export interface Column {
  readonly title: string
  /** Numbers stand at the right edge. */
  readonly right?: boolean
}

export type Cell = string | number | null

const gap = '  '

/** Lines without a newline at the end. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const header = columns.map(({ title }) => title)
  const texts = [header, ...rows.map((row) => row.map(text))]
  const widths = columns.map((_, index) => Math.max(...texts.map((row) => row[index].length)))
  return texts
    .map((row) => {
      const cells = row.map((cell, index) =>
        columns[index].right ? cell.padStart(widths[index]) : cell.padEnd(widths[index]),
      )
      return cells.join(gap).trimEnd()
    })
    .join('\n')
}

function text(cell: Cell): string {
  return cell === null || cell === '' ? '-' : String(cell)
}
