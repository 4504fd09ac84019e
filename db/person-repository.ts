import type { Database } from './database.ts'

/** Which of these ids of the caller's own users any record of the tenant carries. */
export async function findKnownExternalIds(
  db: Database,
  tenantId: string,
  externalIds: readonly string[],
): Promise<ReadonlySet<string | null>> {
  if (externalIds.length === 0) return new Set()
  const carrying = (table: 'sessions' | 'applicants' | 'customers') =>
    db.sql
      .selectFrom(table)
      .select('external_id')
      .where('tenant_id', '=', tenantId)
      .where('external_id', 'in', externalIds)
      // A record known by a link only is not listed, so nobody is known by it.
      .where('fetched_at', 'is not', null)
  const rows = await carrying('sessions').union(carrying('applicants')).union(carrying('customers')).execute()
  return new Set(rows.map(row => row.external_id))
}
