/** How rows are printed. */
export interface OutputOptions {
  readonly json: boolean
  /** The width of the terminal; undefined for a pipe. */
  readonly columns: number | undefined
}

/**
 * Rows as a JSON array, or as text: several rows with the same columns as a table if it fits, otherwise one name and
 * value per line with an empty line between rows.
 */
export function formatTable(
  rows: readonly object[],
  { json, columns = Number.POSITIVE_INFINITY }: OutputOptions,
): string {
  if (json) return JSON.stringify(rows, null, 2)
  if (rows.length === 0) return 'No results.'
  const table = rows.length > 1 && sharesColumns(rows) ? toTable(rows) : undefined
  if (table?.every(line => line.length <= columns)) return table.join('\n')
  return rows.map(row => Object.entries(row).map(toLine).join('\n')).join('\n\n')
}

function sharesColumns([first = {}, ...others]: readonly object[]): boolean {
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
