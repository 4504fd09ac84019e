import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import SqliteDatabase from 'better-sqlite3'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteDialect,
} from 'kysely'
import { DatabaseUnavailableError } from './failure.ts'

const BUSY_TIMEOUT_MS = 50
const BUSY_PATIENCE_MS = 5_000
const KEPT_STATEMENTS = 500
const SYNCHRONOUS_FULL = 2

/**
 * SQLite on one connection: WAL, every commit on disk before it is acknowledged. Throws where the database does not take
 * these settings. `file` may be ':memory:'.
 */
export function createSqliteDialect(file: string): Dialect {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
  const database = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS })
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  database.pragma('secure_delete = ON')
  const synchronous = database.pragma('synchronous', { simple: true })
  if (synchronous !== SYNCHRONOUS_FULL) {
    database.close()
    throw new Error(`SQLite runs with synchronous=${synchronous}, expected ${SYNCHRONOUS_FULL} (FULL).`)
  }
  const dialect = new SqliteDialect({ database: { close: () => close(database), prepare: keepStatements(database) } })
  return {
    // SQLite can change tables in a transaction, which Kysely does not use: without one, a process that dies in the middle
    // of a migration leaves tables that no later start can get past, and two first starts at once fail.
    createAdapter: () => Object.defineProperty(dialect.createAdapter(), 'supportsTransactionalDdl', { value: true }),
    createDriver: () => patientDriver(dialect.createDriver()),
    createIntrospector: db => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  }
}

/** What is in the write-ahead log goes into the file, so that a copy of the file is whole. Another process may hold it up. */
function close(database: SqliteDatabase.Database): void {
  try {
    database.pragma('wal_checkpoint(TRUNCATE)')
  } catch (error) {
    if (!isBusy(error)) throw error
  } finally {
    database.close()
  }
}

/** Preparing a statement costs more than running it, so each text is prepared once. */
function keepStatements(database: SqliteDatabase.Database): (text: string) => SqliteDatabase.Statement {
  const kept = new Map<string, SqliteDatabase.Statement>()
  return text => {
    const statement = kept.get(text) ?? database.prepare(text)
    if (kept.size >= KEPT_STATEMENTS) kept.clear()
    kept.set(text, statement)
    return statement
  }
}

/** Takes the write lock when a transaction begins, and waits for it without blocking the process. */
function patientDriver(driver: Driver): Driver {
  return {
    init: () => driver.init(),
    acquireConnection: async () => patientConnection(await driver.acquireConnection()),
    beginTransaction: async connection => {
      await connection.executeQuery(CompiledQuery.raw('begin immediate'))
    },
    commitTransaction: async connection => {
      await connection.executeQuery(CompiledQuery.raw('commit'))
    },
    rollbackTransaction: async connection => {
      await connection.executeQuery(CompiledQuery.raw('rollback'))
    },
    releaseConnection: () => driver.releaseConnection(undefined as never),
    destroy: () => driver.destroy(),
  }
}

function patientConnection(connection: DatabaseConnection): DatabaseConnection {
  return {
    executeQuery: query => retryWhileBusy(() => connection.executeQuery(query)),
    streamQuery: (query, size) => connection.streamQuery(query, size),
  }
}

async function retryWhileBusy<T>(run: () => Promise<QueryResult<T>>): Promise<QueryResult<T>> {
  const until = Date.now() + BUSY_PATIENCE_MS
  for (let pause = 2; ; pause = Math.min(pause * 2, 100)) {
    try {
      return await run()
    } catch (error) {
      if (!isBusy(error)) throw error
      if (Date.now() > until) throw new DatabaseUnavailableError('BUSY', { cause: error })
      await sleep(pause)
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
