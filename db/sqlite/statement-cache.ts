import type { Database, Statement } from 'better-sqlite3'
import { LRUCache } from 'lru-cache'
import { toStorageError } from './errors.ts'

/** A prepared statement. */
export interface CachedStatement {
  /** True where it only reads rows. */
  readonly reads: boolean
  /** True where it cannot run in a transaction. */
  readonly isAlone: boolean
  readonly run: (parameters: readonly unknown[]) => RunResult
}

export interface RunResult {
  readonly rows: readonly unknown[]
  readonly changes?: number
}

const MAX_STATEMENTS = 500

/** Each SQL text is prepared once, because preparing a statement costs more than running it. */
export function createStatementCache(database: Database): (text: string) => CachedStatement {
  const statements = new LRUCache<string, CachedStatement>({ max: MAX_STATEMENTS })
  return text => {
    const cached = statements.get(text)
    if (cached) return cached
    const statement = prepareOrThrow(database, text)
    statements.set(text, statement)
    return statement
  }
}

/** Preparing reads the schema from the file. */
function prepareOrThrow(database: Database, text: string): CachedStatement {
  try {
    return prepare(database, text)
  } catch (error) {
    throw toStorageError(error)
  }
}

function prepare(database: Database, text: string): CachedStatement {
  const statement = database.prepare(text)
  const isAlone = ALONE.test(text)
  if (statement.reader) return { reads: statement.readonly && !isAlone, isAlone, run: rowsOf(statement) }
  const run = (parameters: readonly unknown[]) => ({ rows: [], changes: statement.run(parameters).changes })
  return { reads: false, isAlone, run }
}

/** They concern their own connection, or the whole file. */
const ALONE = /^\s*(pragma|vacuum)\b/i

/**
 * Rows of one object shape. The driver's own rows are dictionaries, which cost more than reading the values from the file.
 */
function rowsOf(statement: Statement): CachedStatement['run'] {
  let mapper = { width: -1, toRow: (values: readonly unknown[]): unknown => values }
  statement.raw()
  return parameters => {
    const rows = statement.all(parameters) as unknown[][]
    const width = rows[0]?.length ?? mapper.width
    // A migration may add columns to a table after the statement first ran.
    if (width !== mapper.width) mapper = { width, toRow: createRowMapper(statement.columns().map(({ name }) => name)) }
    return { rows: rows.map(mapper.toRow) }
  }
}

/** Compiles an object literal, so that all rows have one shape. The names are those of our own columns. */
function createRowMapper(names: readonly string[]): (values: readonly unknown[]) => unknown {
  const fields = names.map((name, index) => `${JSON.stringify(name)}: values[${index}]`)
  return new Function('values', `return { ${fields.join(', ')} }`) as (values: readonly unknown[]) => unknown
}
