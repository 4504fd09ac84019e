import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { type Dialect, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { createSqliteDriver } from './sqlite-driver.ts'

const OPENING_TIMEOUT_MS = 5_000
const BUSY_TIMEOUT_MS = 50
const SYNCHRONOUS_FULL = 2
const MEMORY = ':memory:'

/**
 * SQLite in WAL mode, every commit on disk before it is acknowledged. Throws where the database does not take these
 * settings. `file` may be ':memory:'.
 */
export function createSqliteDialect(file: string): Dialect {
  if (file !== MEMORY) mkdirSync(dirname(file), { recursive: true })
  const database = openWriter(file)
  return {
    // SQLite can change tables in a transaction, which Kysely does not use: without one, a process that dies in the middle
    // of a migration leaves tables that no later start can get past, and two first starts at once fail.
    createAdapter: () => Object.defineProperty(new SqliteAdapter(), 'supportsTransactionalDdl', { value: true }),
    // In its own memory SQLite has but one connection.
    createDriver: () => createSqliteDriver(database, file === MEMORY ? undefined : openReader(file)),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

function openWriter(file: string): SqliteDatabase.Database {
  // Others may be opening the same file for the first time.
  const database = new SqliteDatabase(file, { timeout: OPENING_TIMEOUT_MS })
  database.pragma('journal_mode = WAL')
  database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`)
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  database.pragma('secure_delete = ON')
  // What may have to be undone of a transaction would go to temporary files.
  database.pragma('temp_store = MEMORY')
  const synchronous = database.pragma('synchronous', { simple: true })
  if (synchronous === SYNCHRONOUS_FULL) return database
  database.close()
  throw new Error(`SQLite runs with synchronous=${synchronous}, expected ${SYNCHRONOUS_FULL} (FULL).`)
}

function openReader(file: string): SqliteDatabase.Database {
  const database = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS })
  database.pragma('query_only = ON')
  return database
}
