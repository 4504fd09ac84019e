import { sql } from 'kysely'
import type { Database } from './database.ts'

/**
 * Leaves nothing of what was deleted in SQLite's write-ahead log; its pages are wiped as they are freed. False where a
 * reader kept it from being cut: then it has to be done again. PostgreSQL's own vacuum does its part by itself.
 */
export async function wipeLog({ engine, sql: db }: Database): Promise<boolean> {
  if (engine !== 'sqlite') return true
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(TRUNCATE)`.execute(db)
  return rows[0]?.busy !== 1
}
