import { setTimeout as sleep } from 'node:timers/promises'
import type { CompiledQuery, Dialect, Kysely } from 'kysely'
import { NotFoundError } from '../../src/domain/errors.ts'
import type { FieldEncryption } from '../../src/security/field-encryption.ts'
import { isConflict, isForeignKeyViolation, isUniqueViolation } from './database-error.ts'
import type { Tables } from './tables.ts'

export type Engine = 'postgres' | 'sqlite'

/** The first argument of every repository function. */
export interface Database {
  readonly sql: Kysely<Tables>
  readonly engine: Engine
  /** For the encrypted columns. */
  readonly encryption: FieldEncryption
  /** Values of the database that never change. */
  readonly cache: { instanceKey?: Buffer }
  /** The advisory locks that this transaction holds; undefined outside of one. */
  readonly heldLocks?: Set<string>
  /** Absent in transactions, and where a read needs a promise. */
  readonly readNow?: ReadRows
}

/** The rows of a query; undefined for a query that has to wait or that writes: Kysely executes it. */
export type ReadRows = (query: CompiledQuery) => readonly unknown[] | undefined

export interface DialectWithReads extends Dialect {
  readonly readNow?: ReadRows
}

const MAX_ATTEMPTS = 8
const MAX_PAUSE_MS = 20

/**
 * Runs `run` in one transaction. `run` may use nothing but the database that it receives, because it runs again after a
 * conflict with another transaction. Throws NOT_FOUND where a foreign key names a row that was deleted meanwhile.
 */
export async function inTransaction<T>(db: Database, run: (db: Database) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.sql
        .transaction()
        .setIsolationLevel('read committed')
        .execute(sql => run({ ...db, sql, heldLocks: new Set(), readNow: undefined }))
    } catch (error) {
      if (isForeignKeyViolation(error)) throw new NotFoundError('A linked record no longer exists.')
      if (attempt === MAX_ATTEMPTS || !isSerializationFailure(db, error)) throw error
      await sleep(Math.random() * MAX_PAUSE_MS * attempt)
    }
  }
}

/** A unique violation counts on PostgreSQL: another transaction inserted the row, and the next try finds it. */
function isSerializationFailure(db: Database, error: unknown): boolean {
  return isConflict(error) || (db.engine === 'postgres' && isUniqueViolation(error))
}
