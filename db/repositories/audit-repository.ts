import { inBatches } from '../core/batches.ts'
import type { Database } from '../core/database.ts'

/** An action on a tenant, an account, a key, a record or a person. It has no personal data. */
export interface AuditEntry {
  readonly id: string
  readonly tenantId: string
  readonly at: Date
  /** `cli`, or the id of an API key. */
  readonly actor: string
  /** Such as `key.create`. */
  readonly action: string
  /** A keyed hash of the subject; null for the tenant itself. */
  readonly subjectHash: string | null
  /** Our id of the object, or the name of a provider; null for a person. */
  readonly object: string | null
}

export async function insertAudit(db: Database, entry: AuditEntry): Promise<void> {
  const { id, tenantId, at, actor, action, subjectHash, object } = entry
  await db.sql
    .insertInto('audit_log')
    .values({ id, tenant_id: tenantId, at: at.getTime(), actor, action, subject_hash: subjectHash, object })
    .execute()
}

/** The newest entries of a tenant first. */
export async function listAudit(db: Database, tenantId: string, limit: number): Promise<AuditEntry[]> {
  const rows = await db.sql
    .selectFrom('audit_log')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(row => ({
    id: row.id,
    tenantId: row.tenant_id,
    at: new Date(row.at),
    actor: row.actor,
    action: row.action,
    subjectHash: row.subject_hash,
    object: row.object,
  }))
}

/** Removes the ids of erased records from the entries about them. */
export async function forgetObjects({ sql }: Database, tenantId: string, ids: readonly string[]): Promise<void> {
  await inBatches(ids, batch =>
    sql
      .updateTable('audit_log')
      .set({ object: null })
      .where('tenant_id', '=', tenantId)
      .where('object', 'in', batch)
      .execute(),
  )
}

/** Deletes at most `limit` entries before `before`. Returns their number. */
export async function pruneAudit(db: Database, before: Date, limit: number): Promise<number> {
  const old = db.sql.selectFrom('audit_log').select('id').where('at', '<', before.getTime()).limit(limit)
  const result = await db.sql.deleteFrom('audit_log').where('id', 'in', old).executeTakeFirst()
  return Number(result.numDeletedRows)
}
