/** How rows are printed. */
export interface OutputOptions {
  readonly json: boolean
  /** The width of the terminal; undefined for a pipe. */
  readonly columns: number | undefined
  /** What to print if there are no rows. */
  readonly empty?: string
  /** The columns of the text; all if left out. */
  readonly only?: readonly string[]
}

/** The widest table in a pipe. */
const PIPE_COLUMNS = 120
/** A column of a table is wrapped down to this width. */
const MIN_COLUMN = 20
/** The length of an id: a word of at most this length is cut only if the table does not fit otherwise. */
const ID_COLUMNS = 36
const NAME_COLUMNS = 16
const MIN_VALUE_COLUMNS = 24

/**
 * Rows as a JSON array, or as text: several rows with the same columns as a table if it fits, without columns that are empty in
 * all rows and with the widest values wrapped; otherwise one name and value per line, wrapped at the width of the terminal, with an
 * empty line between rows.
 */
export function formatTable(rows: readonly object[], { json, columns, empty, only }: OutputOptions): string {
  if (json) return JSON.stringify(rows, null, 2)
  if (rows.length === 0) return empty ?? 'No results.'
  const shown = only ? rows.map(row => pick(row, only)) : rows
  const table = shown.length > 1 && sharesColumns(shown) ? toTable(shown, columns ?? PIPE_COLUMNS) : undefined
  if (table) return table.join('\n')
  return shown
    .map(row =>
      Object.entries(row)
        .flatMap(entry => toLines(entry, columns))
        .join('\n'),
    )
    .join('\n\n')
}

function pick(row: object, names: readonly string[]): object {
  const entries = new Map(Object.entries(row))
  return Object.fromEntries(names.map(name => [name, entries.get(name)]))
}

function sharesColumns([first = {}, ...others]: readonly object[]): boolean {
  const names = Object.keys(first).join()
  return others.every(row => Object.keys(row).join() === names)
}

/** Undefined if it does not fit. */
function toTable(rows: readonly object[], columns: number): string[] | undefined {
  const all = Object.keys(rows[0] ?? {})
  const cells = rows.map(row => Object.values(row).map(toText))
  const used = all.map((_, column) => cells.some(row => row[column] !== EMPTY))
  const lines = [all, ...cells].map(row => row.filter((_, column) => used[column]))
  const cellsOf = (lines[0] ?? []).map((_, at) => lines.map(row => row[at] ?? ''))
  const total = columns - GAP.length * (cellsOf.length - 1)
  const natural = cellsOf.map(cells => Math.max(...cells.map(cell => cell.length)))
  const least = cellsOf.map(() => MIN_COLUMN)
  const widths = toWidths(natural, total, cellsOf.map(toUncutWidth)) ?? toWidths(natural, total, least)
  return widths && lines.flatMap(row => toTableLines(row, widths))
}

/** Narrows the widest columns until all fit into `total`. Undefined if they would become narrower than `least`. */
function toWidths(natural: readonly number[], total: number, least: readonly number[]): readonly number[] | undefined {
  const widths = [...natural]
  for (let excess = sum(widths) - total; excess > 0; excess--) {
    const spare = widths.map((width, at) => (width > (least[at] ?? 0) ? width : 0))
    const widest = Math.max(...spare)
    if (widest === 0) return undefined
    widths[spare.lastIndexOf(widest)] = widest - 1
  }
  return widths
}

function toUncutWidth(cells: readonly string[]): number {
  const words = cells.flatMap(cell => cell.split(' ')).map(word => word.length)
  return Math.max(MIN_COLUMN, ...words.filter(length => length <= ID_COLUMNS))
}

/** One row of a table: as many lines as its longest cell has. */
function toTableLines(row: readonly string[], widths: readonly number[]): string[] {
  const wrapped = row.map((cell, at) => wrap(cell, widths[at] ?? 0))
  const height = Math.max(...wrapped.map(lines => lines.length))
  return Array.from({ length: height }, (_, line) =>
    wrapped
      .map((lines, at) => (lines[line] ?? '').padEnd(widths[at] ?? 0))
      .join(GAP)
      .trimEnd(),
  )
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

const GAP = '  '

function toLines([name, value]: [string, unknown], columns: number | undefined): string[] {
  const width = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(columns - NAME_COLUMNS, MIN_VALUE_COLUMNS)
  const [first = '', ...others] = wrap(toText(value), width)
  return [`${name.padEnd(NAME_COLUMNS - 1)} ${first}`, ...others.map(line => ' '.repeat(NAME_COLUMNS) + line)]
}

/** At spaces; a word that is longer than a line is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (let rest = text; rest !== ''; ) {
    if (rest.length <= width) return [...lines, rest]
    const space = rest.lastIndexOf(' ', width)
    const end = space > 0 ? space : width
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return lines
}

const EMPTY = '–'

function toText(value: unknown): string {
  if (value == null) return EMPTY
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
