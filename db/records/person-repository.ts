import { inBatches } from '../core/batches.ts'
import type { Database } from '../core/database.ts'
import { isOfTenant } from '../core/record-queries.ts'

/** The external ids of these applicants and customers by record id; null for none. Takes no locks. */
export async function readExternalIds(
  db: Database,
  tenantId: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await inBatches(recordIds, ids => {
    const of = (table: 'applicants' | 'customers') =>
      db.sql.selectFrom(table).select(['id', 'external_id']).where('id', 'in', ids).where(isOfTenant(tenantId))
    return of('applicants').unionAll(of('customers')).execute()
  })
  return new Map(rows.map(({ id, external_id }) => [id, external_id]))
}

/** Those of these external ids that a record of the tenant has. */
export async function listPresentExternalIds(
  db: Database,
  tenantId: string,
  externalIds: readonly string[],
): Promise<ReadonlySet<string | null>> {
  const rows = await inBatches(externalIds, batch => {
    const of = (table: 'applicants' | 'customers' | 'sessions') =>
      db.sql.selectFrom(table).select('external_id').where('tenant_id', '=', tenantId).where('external_id', 'in', batch)
    return of('sessions').union(of('applicants')).union(of('customers')).execute()
  })
  return new Set(rows.map(row => row.external_id))
}

/** The external ids of a customer's applicants and of their sessions. */
export async function listExternalIdsThrough(db: Database, tenantId: string, customerId: string): Promise<string[]> {
  const applicants = db.sql
    .selectFrom('applicants')
    .select('external_id')
    .where('tenant_id', '=', tenantId)
    .where('customer_id', '=', customerId)
  const sessions = db.sql
    .selectFrom('sessions')
    .innerJoin('applicants', 'applicants.id', 'sessions.applicant_id')
    .select('sessions.external_id')
    .where('sessions.tenant_id', '=', tenantId)
    .where('applicants.customer_id', '=', customerId)
  const rows = await applicants.union(sessions).execute()
  return rows.flatMap(row => row.external_id ?? [])
}
