import { type SelectQueryBuilder, sql } from 'kysely'
import type { PostgresSettings } from '../postgres/pool.ts'
import { createSqliteDialect } from '../sqlite/dialect.ts'
import type { SqliteFile } from '../sqlite/file.ts'
import type { Database, DialectWithReads, Engine } from './database.ts'
import type { Tables } from './tables.ts'

/**
 * The differences between the two databases are here, in db/sqlite, in db/postgres and in database-error.ts. The queries are
 * the same: JSON and encrypted values are text, flags are integers, NULLS FIRST is explicit, and text compares by bytes.
 */

export function engineOf(url: string): Engine {
  return /^postgres(ql)?:/.test(url) ? 'postgres' : 'sqlite'
}

/** `url`: `sqlite:<file>`, `sqlite::memory:` or `postgres://…`. The PostgreSQL driver is loaded only where it is used. */
export async function createDialect(
  url: string,
  settings: PostgresSettings,
  file?: SqliteFile,
): Promise<DialectWithReads> {
  if (engineOf(url) === 'sqlite') return createSqliteDialect(sqliteFile(url), file)
  const { createPostgresDialect } = await import('../postgres/dialect.ts')
  return createPostgresDialect(url, settings)
}

/** The file of a `sqlite:` address, or ':memory:'. */
export function sqliteFile(url: string): string {
  return url.replace(/^sqlite:/, '')
}

/**
 * Locks the selected rows until the transaction ends. On SQLite only one transaction runs at a time, so no lock is needed;
 * outside of a transaction there is none.
 */
export function forUpdate(db: Database) {
  return <From extends keyof Tables, O>(query: SelectQueryBuilder<Tables, From, O>) => {
    return db.engine === 'postgres' && db.sql.isTransaction ? query.forNoKeyUpdate() : query
  }
}

/** The first key of the advisory locks of erasures. The second is the hash of the tenant. */
const ERASURE_LOCK = 734_502_118

/**
 * A store checks the tombstones, and an erasure deletes everything that was stored before it. On PostgreSQL the stores of a
 * tenant share a lock that its erasure holds alone; SQLite runs their transactions one after the other.
 */
export async function lockErasure(db: Database, tenantId: string, purpose: 'ERASE' | 'STORE'): Promise<void> {
  const held = `${purpose} ${tenantId}`
  if (db.engine !== 'postgres' || !db.sql.isTransaction || db.heldLocks?.has(held)) return
  const lock = purpose === 'ERASE' ? sql`pg_advisory_xact_lock` : sql`pg_advisory_xact_lock_shared`
  await sql`select ${lock}(${sql.lit(ERASURE_LOCK)}, hashtext(${tenantId}))`.execute(db.sql)
  db.heldLocks?.add(held)
}
