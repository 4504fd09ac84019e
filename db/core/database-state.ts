import { sql } from 'kysely'
import { migrations } from '../migrations/index.ts'
import type { OpenDatabase } from './open-database.ts'

/** The state of the database for new work. */
export type DatabaseState = 'CURRENT' | 'BEHIND' | 'REPLACED' | 'FAILING'

/**
 * BEHIND: migrations are pending. REPLACED, FAILING: see FileState; a file that failed is written to again, so that the state
 * ends with its cause. Rejects where the database does not answer.
 */
export async function checkDatabase(db: OpenDatabase): Promise<DatabaseState> {
  if (db.fileState() === 'FAILING') await probeWrite(db).catch(() => {})
  const file = db.fileState()
  if (file !== 'IN_PLACE') return file
  const { rows } = await sql<{ name: string | null }>`select max(name) as name from kysely_migration`.execute(db.sql)
  const newest = Object.keys(migrations).sort().at(-1) ?? ''
  // A newer release may have migrated the database: during a rolling update, older releases still serve it.
  return (rows[0]?.name ?? '') >= newest ? 'CURRENT' : 'BEHIND'
}

/** A commit that changes nothing. */
async function probeWrite(db: OpenDatabase): Promise<void> {
  await db.sql.transaction().execute(trx => sql`update kysely_migration_lock set is_locked = is_locked`.execute(trx))
}
