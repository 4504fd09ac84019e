import type { Database, Statement } from 'better-sqlite3'

/** A prepared statement, and how it is run. */
export interface KeptStatement {
  /** True where it only reads rows. */
  readonly reads: boolean
  /** True where it may not be part of a transaction. */
  readonly isAlone: boolean
  readonly run: (parameters: readonly unknown[]) => Ran
}

export interface Ran {
  readonly rows: readonly unknown[]
  readonly changes?: number
}

const KEPT_STATEMENTS = 500

/** Preparing a statement costs more than running it, so each text is prepared once. */
export function keepStatements(database: Database): (text: string) => KeptStatement {
  const kept = new Map<string, KeptStatement>()
  return text => {
    const statement = kept.get(text) ?? prepare(database, text)
    if (kept.size >= KEPT_STATEMENTS) kept.clear()
    kept.set(text, statement)
    return statement
  }
}

function prepare(database: Database, text: string): KeptStatement {
  const statement = database.prepare(text)
  const isAlone = ALONE.test(text)
  if (statement.reader) return { reads: statement.readonly && !isAlone, isAlone, run: rowsOf(statement) }
  const run = (parameters: readonly unknown[]) => ({ rows: [], changes: statement.run(parameters).changes })
  return { reads: false, isAlone, run }
}

/** About the connection that it is asked on, or about the whole file. */
const ALONE = /^\s*(pragma|vacuum)\b/i

/**
 * Rows that are all of one shape: those that the driver makes are dictionaries, and cost more than reading them from the
 * file.
 */
function rowsOf(statement: Statement): KeptStatement['run'] {
  let maker = { width: -1, toRow: (values: readonly unknown[]): unknown => values }
  statement.raw()
  return parameters => {
    const rows = statement.all(parameters) as unknown[][]
    const width = rows[0]?.length ?? maker.width
    // A migration may give a table more columns than it had when the statement ran first.
    if (width !== maker.width) maker = { width, toRow: rowMaker(statement.columns().map(({ name }) => name)) }
    return { rows: rows.map(maker.toRow) }
  }
}

/** Written out as an object literal, so that the engine knows the shape. The names are those of our own columns. */
function rowMaker(names: readonly string[]): (values: readonly unknown[]) => unknown {
  const fields = names.map((name, index) => `${JSON.stringify(name)}: values[${index}]`)
  return new Function('values', `return { ${fields.join(', ')} }`) as (values: readonly unknown[]) => unknown
}
