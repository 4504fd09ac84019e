/** How rows are printed. */
export interface Showing {
  readonly json: boolean
  /** How wide the terminal is; undefined where there is none, as before a pipe. */
  readonly columns: number | undefined
}

/**
 * Rows as a JSON array, or for a person: several of one kind as a table, if it fits, else a name and a value a line with an
 * empty line between rows.
 */
export function format(rows: readonly object[], { json, columns = Number.POSITIVE_INFINITY }: Showing): string {
  if (json) return JSON.stringify(rows, null, 2)
  if (rows.length === 0) return 'Nothing there.'
  const table = rows.length > 1 && areAlike(rows) ? toTable(rows) : undefined
  if (table?.every(line => line.length <= columns)) return table.join('\n')
  return rows.map(row => Object.entries(row).map(toLine).join('\n')).join('\n\n')
}

function areAlike([first = {}, ...others]: readonly object[]): boolean {
  const names = Object.keys(first).join()
  return others.every(row => Object.keys(row).join() === names)
}

function toTable(rows: readonly object[]): string[] {
  const heads = Object.keys(rows[0] ?? {})
  const lines = [heads, ...rows.map(row => Object.values(row).map(toText))]
  const widths = heads.map((_, column) => Math.max(...lines.map(cells => cells[column]?.length ?? 0)))
  return lines.map(cells =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function toLine([name, value]: [string, unknown]): string {
  return `${name.padEnd(15)} ${toText(value)}`
}

function toText(value: unknown): string {
  if (value == null) return '–'
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
