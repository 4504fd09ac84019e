import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { countOldValues } from '../encryption/rotation.ts'
import { releaseLease, takeLease } from '../repositories/lease-repository.ts'
import type { Database } from './database.ts'

/** Inserts and deletes a row. Rejects where the database is not writable. */
export async function probeWrite(db: Database, now: Date): Promise<void> {
  const lease = { name: `doctor ${randomUUID()}`, owner: 'doctor' }
  await takeLease(db, lease, now, now)
  await releaseLease(db, lease)
}

/** Whether committed transactions survive a crash, and the settings that decide it. */
export async function readDurability(db: Database): Promise<{ readonly safe: boolean; readonly settings: string }> {
  if (db.engine === 'sqlite') {
    const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(db.sql)
    const synchronous = rows[0]?.synchronous ?? 0
    return { safe: synchronous >= SQLITE_FULL, settings: `synchronous=${synchronous}` }
  }
  const { rows } = await sql<{ commit: string; fsync: string }>`
    select current_setting('synchronous_commit') as commit, current_setting('fsync') as fsync`.execute(db.sql)
  const { commit = '', fsync = '' } = rows[0] ?? {}
  return { safe: fsync === 'on' && commit !== 'off', settings: `fsync=${fsync}, synchronous_commit=${commit}` }
}

const SQLITE_FULL = 2

/** The number of values that are encrypted by an older key, and by each unknown key. */
export async function countEncryptedByUnknownKey(
  db: Database,
): Promise<{ readonly older: number; readonly unknown: ReadonlyMap<string, number> }> {
  const unknown = new Map<string, number>()
  let older = 0
  for (const [id, count] of await countOldValues(db)) {
    if (db.encryption.hasKey(`v1.${id}.`)) older += count
    else unknown.set(id, count)
  }
  return { older, unknown }
}
