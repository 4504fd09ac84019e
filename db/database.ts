import { Kysely, Migrator } from 'kysely'
import type { Vault } from '../src/security/vault.ts'
import { migrations } from './migrations/index.ts'
import { createSqliteDialect } from './sqlite.ts'
import type { Tables } from './tables.ts'

/** What every repository function takes first: where the rows are, and the vault for what is sealed in them. */
export interface Database {
  readonly sql: Kysely<Tables>
  readonly vault: Vault
}

export interface OpenDatabase extends Database {
  close(): Promise<void>
}

/** Opens the database and brings it to the newest migration. `url`: `sqlite:<file>` or `sqlite::memory:`. */
export async function openDatabase(url: string, vault: Vault): Promise<OpenDatabase> {
  const sql = new Kysely<Tables>({ dialect: createSqliteDialect(url.replace(/^sqlite:/, '')) })
  const migrator = new Migrator({ db: sql, provider: { getMigrations: async () => ({ ...migrations }) } })
  const { error } = await migrator.migrateToLatest()
  if (error) {
    await sql.destroy()
    throw error
  }
  return { sql, vault, close: () => sql.destroy() }
}

/** Runs `run` in one transaction. Inside it only the database it is given may be used. */
export function inTransaction<T>(db: Database, run: (db: Database) => Promise<T>): Promise<T> {
  return db.sql.transaction().execute(sql => run({ sql, vault: db.vault }))
}

/** True for the violation of a unique constraint, in either database. */
export function isUniqueViolation(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === '23505'
}
