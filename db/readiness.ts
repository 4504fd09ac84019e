import { sql } from 'kysely'
import type { Database } from './database.ts'
import { migrations } from './migrations/index.ts'

/** What the database lacks. Rejects where it cannot be asked. */
export async function checkDatabase(db: Database): Promise<'CURRENT' | 'BEHIND'> {
  const { rows } = await sql<{ name: string | null }>`select max(name) as name from kysely_migration`.execute(db.sql)
  const newest = Object.keys(migrations).sort().at(-1) ?? ''
  // One that is ahead was migrated by a newer release, which older ones run beside while it is rolled out.
  return (rows[0]?.name ?? '') >= newest ? 'CURRENT' : 'BEHIND'
}
