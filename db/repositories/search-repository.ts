import type { Database } from '../core/database.ts'
import type { StoredOperation } from './operation-repository.ts'
import { toOperation } from './operation-repository.ts'

/** Looks up the records of one tenant by the ids that a support person has. Returns ids, the newest first. */

export type RecordTable = 'applicants' | 'customers' | 'sessions'

export interface RecordSearch {
  readonly tenantId: string
  readonly value: string
  readonly limit: number
}

/** The records with this id at their provider. */
export async function searchByProviderId(
  { sql }: Database,
  table: RecordTable,
  { tenantId, value, limit }: RecordSearch,
): Promise<string[]> {
  const accounts = sql.selectFrom('accounts').select('id').where('tenant_id', '=', tenantId)
  const rows = await recordsOf(sql, table, tenantId)
    .where('account_id', 'in', accounts)
    .where('provider_id', '=', value)
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** The records with this external id. */
export async function findByExternalId(
  { sql }: Database,
  table: RecordTable,
  { tenantId, value, limit }: RecordSearch,
): Promise<string[]> {
  const rows = await recordsOf(sql, table, tenantId).where('external_id', '=', value).limit(limit).execute()
  return rows.map(({ id }) => id)
}

/** The applicants or customers with this e-mail address. */
export async function findByEmail(
  db: Database,
  table: 'applicants' | 'customers',
  { tenantId, value, limit }: RecordSearch,
): Promise<string[]> {
  const rows = await db.sql
    .selectFrom(table)
    .select(['id', 'created_at'])
    .where('tenant_id', '=', tenantId)
    .where('email_index', 'in', db.encryption.blindIndexes(value, { table, tenantId }))
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** The sessions that link to one of these applicants or customers. */
export async function findSessionsOf(
  { sql }: Database,
  tenantId: string,
  column: 'applicant_id' | 'customer_id',
  ids: readonly string[],
  limit: number,
): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await recordsOf(sql, 'sessions', tenantId).where(column, 'in', ids).limit(limit).execute()
  return rows.map(({ id }) => id)
}

/** The creates of the request with this id. */
export async function findOperationsOfRequest(
  { sql }: Database,
  { tenantId, value, limit }: RecordSearch,
): Promise<StoredOperation[]> {
  const rows = await sql
    .selectFrom('operations')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('request_id', '=', value)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(toOperation)
}

/** The create that made the record. */
export async function findOperationOfRecord(
  { sql }: Database,
  tenantId: string,
  recordId: string,
): Promise<StoredOperation | undefined> {
  const row = await sql
    .selectFrom('operations')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('record_id', '=', recordId)
    .executeTakeFirst()
  return row && toOperation(row)
}

/** The three tables have the selected columns. */
function recordsOf(sql: Database['sql'], table: RecordTable, tenantId: string) {
  return sql
    .selectFrom(table as 'sessions')
    .select(['id', 'created_at'])
    .where('tenant_id', '=', tenantId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
}
