import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from 'better-sqlite3'
import { type LimitNode, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { DialectWithReads } from '../core/database.ts'
import { SqliteDatabase } from './better-sqlite3.ts'
import { createSqliteDriver } from './driver.ts'
import { NO_FILE, type SqliteFile } from './file.ts'
import { createPrivateFile } from './private-file.ts'
import { createSqliteReader } from './reader.ts'

const OPENING_TIMEOUT_MS = 5_000
const BUSY_TIMEOUT_MS = 50
const SYNCHRONOUS_FULL = 2
const MEMORY = ':memory:'

/**
 * SQLite in WAL mode, with every commit on disk before it returns. Throws where the database does not accept these settings.
 * `file` may be ':memory:'.
 */
export function createSqliteDialect(file: string, place: SqliteFile = NO_FILE): DialectWithReads {
  if (file !== MEMORY) {
    mkdirSync(dirname(file), { recursive: true })
    createPrivateFile(file)
  }
  const database = openWriter(file)
  place.opened()
  // A second connection to ':memory:' would open another database.
  const reader = file === MEMORY ? undefined : createSqliteReader(openReader(file))
  return {
    readNow: reader?.readNow,
    // SQLite has transactional DDL, which Kysely does not use by default. Without it, a process that dies during a migration
    // leaves tables that break every later start, and two first starts at the same time fail.
    createAdapter: () => Object.defineProperty(new SqliteAdapter(), 'supportsTransactionalDdl', { value: true }),
    createDriver: () => createSqliteDriver(database, place, reader),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new QueryCompiler(),
  }
}

/**
 * SQLite plans a statement anew at each run if its limit is a parameter by itself, which takes longer than the run: the plan
 * depends on the value. It does not depend on the value of an expression.
 */
class QueryCompiler extends SqliteQueryCompiler {
  protected override visitLimit(node: LimitNode): void {
    this.append('limit cast(')
    this.visitNode(node.limit)
    this.append(' as integer)')
  }
}

function openWriter(file: string): Database {
  // Another process may open the same file for the first time.
  const database = new SqliteDatabase(file, { timeout: OPENING_TIMEOUT_MS })
  database.pragma('journal_mode = WAL')
  database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`)
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  database.pragma('secure_delete = ON')
  // Rollback data with personal values would be written to temporary files otherwise.
  database.pragma('temp_store = MEMORY')
  const synchronous = database.pragma('synchronous', { simple: true })
  if (synchronous === SYNCHRONOUS_FULL) return database
  database.close()
  throw new Error(`SQLite runs with synchronous=${synchronous}, expected ${SYNCHRONOUS_FULL} (FULL).`)
}

function openReader(file: string): Database {
  const database = new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS })
  database.pragma('query_only = ON')
  return database
}
