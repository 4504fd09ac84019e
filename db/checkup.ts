import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Database } from './database.ts'
import { releaseLease, takeLease } from './lease-repository.ts'
import { countOldValues } from './rotation.ts'

/** What `sessiongraph doctor` looks at in the database itself. */

/** Writes and removes a row. Rejects where that cannot be done. */
export async function tryWrite(db: Database, now: Date): Promise<void> {
  const lease = { name: `doctor ${randomUUID()}`, owner: 'doctor' }
  await takeLease(db, lease, now, now)
  await releaseLease(db, lease)
}

/** The settings that decide whether what was acknowledged survives a crash, and whether they are right. */
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

/** How many values other keys than the current one sealed: by keys that are here, and by such as are not. */
export async function countSealedByOthers(
  db: Database,
): Promise<{ readonly older: number; readonly unknown: ReadonlyMap<string, number> }> {
  const unknown = new Map<string, number>()
  let older = 0
  for (const [id, count] of await countOldValues(db)) {
    if (db.vault.knows(`v1.${id}.`)) older += count
    else unknown.set(id, count)
  }
  return { older, unknown }
}
