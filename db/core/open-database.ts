import { Kysely } from 'kysely'
import type { FieldEncryption } from '../../src/security/field-encryption.ts'
import { type FileState, NO_FILE, watchSqliteFile } from '../sqlite/file.ts'
import type { Database } from './database.ts'
import { createDialect, engineOf, sqliteFile } from './dialect.ts'
import { createMigrator, migrate } from './migrate.ts'
import type { Tables } from './tables.ts'

export interface OpenDatabase extends Database {
  /** Of the SQLite file; IN_PLACE for every other database. */
  fileState(): FileState
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** PostgreSQL: the size of the pool, and the longest wait for a connection. */
  readonly connections: number
  readonly connectMs: number
  /** PostgreSQL: the timeout of a statement. */
  readonly statementMs: number
  /** False: a database with pending migrations is rejected. */
  readonly migrate: boolean
  /** SQLite: called once for each change of the state. */
  readonly onFileChange: (state: FileState) => void
}

const DEFAULTS: DatabaseOptions = {
  connections: 10,
  connectMs: 2_000,
  statementMs: 5_000,
  migrate: true,
  onFileChange: () => {},
}

/** Opens the database and migrates it. `url`: `sqlite:<file>`, `sqlite::memory:` or `postgres://…`. */
export async function openDatabase(
  url: string,
  encryption: FieldEncryption,
  options: Partial<DatabaseOptions> = {},
): Promise<OpenDatabase> {
  const { migrate: mayMigrate, onFileChange, ...settings } = { ...DEFAULTS, ...options }
  const engine = engineOf(url)
  const isFile = engine === 'sqlite' && sqliteFile(url) !== ':memory:'
  const file = isFile ? watchSqliteFile(sqliteFile(url), onFileChange) : NO_FILE
  const dialect = await createDialect(url, { applicationName: 'sessiongraph', ...settings }, file)
  const sql = new Kysely<Tables>({ dialect })
  try {
    if (!mayMigrate) await assertMigrated(sql)
    else if (engine === 'postgres') await migrate(url)
    // A second connection to `:memory:` would open another database.
    else await migrateOver(sql)
  } catch (error) {
    await sql.destroy()
    throw error
  }
  const { readNow } = dialect
  return { sql, engine, encryption, cache: {}, readNow, fileState: file.state, close: () => sql.destroy() }
}

async function migrateOver(sql: Kysely<Tables>): Promise<void> {
  const { error } = await createMigrator(sql).migrateToLatest()
  if (error) throw error
}

async function assertMigrated(sql: Kysely<Tables>): Promise<void> {
  const pending = (await createMigrator(sql).getMigrations()).filter(({ executedAt }) => !executedAt)
  if (pending.length > 0) throw new PendingMigrationsError(pending.map(({ name }) => name))
}

/** AUTO_MIGRATE is off and the database is older than this release. */
export class PendingMigrationsError extends Error {
  constructor(names: readonly string[]) {
    super(`Pending database migrations: ${names.join(', ')}. Run \`sessiongraph db migrate\`, or set AUTO_MIGRATE=on.`)
    this.name = 'PendingMigrationsError'
  }
}
