import { type Dialect, type SelectQueryBuilder, sql } from 'kysely'
import type { Database } from './database.ts'
import type { PostgresSettings } from './postgres-pool.ts'
import { createSqliteDialect } from './sqlite.ts'
import type { Tables } from './tables.ts'

/**
 * All that differs between the two databases stands here, in sqlite.ts, postgres.ts, postgres-pool.ts and failure.ts. The
 * queries are the same: JSON, flags and sealed values are text and integers, NULLs are ordered by name, texts byte by byte.
 */

export type Engine = 'postgres' | 'sqlite'

export function engineOf(url: string): Engine {
  return /^postgres(ql)?:/.test(url) ? 'postgres' : 'sqlite'
}

/** `url`: `sqlite:<file>`, `sqlite::memory:` or `postgres://…`. Who has no PostgreSQL does not load what speaks to it. */
export async function createDialect(url: string, settings: PostgresSettings): Promise<Dialect> {
  if (engineOf(url) === 'sqlite') return createSqliteDialect(sqliteFile(url))
  const { createPostgresDialect } = await import('./postgres.ts')
  return createPostgresDialect(url, settings)
}

/** The file of a `sqlite:` address, or ':memory:'. */
export function sqliteFile(url: string): string {
  return url.replace(/^sqlite:/, '')
}

/**
 * What is read in a transaction is read to be changed: nobody else changes it before the transaction ends. SQLite lets only
 * one transaction write at a time; PostgreSQL locks the rows.
 */
export function locked(db: Database) {
  return <From extends keyof Tables, O>(query: SelectQueryBuilder<Tables, From, O>) => {
    return db.engine === 'postgres' && db.sql.isTransaction ? query.forNoKeyUpdate() : query
  }
}

const ERASURE_LOCK = 7_345_021_188

/**
 * Who stores looks whether it was erased, and whoever erases has to meet all that was stored. SQLite runs their transactions
 * one after the other; on PostgreSQL who erases waits for those who store, and they for it.
 */
export async function lockErasure(db: Database, who: 'ERASES' | 'STORES'): Promise<void> {
  if (db.engine !== 'postgres' || !db.sql.isTransaction) return
  const lock = who === 'ERASES' ? sql`pg_advisory_xact_lock` : sql`pg_advisory_xact_lock_shared`
  await sql`select ${lock}(${sql.lit(ERASURE_LOCK)})`.execute(db.sql)
}
