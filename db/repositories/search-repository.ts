import { distinctById } from '../../src/domain/distinct-by-id.ts'
import type { Database } from '../core/database.ts'
import type { StoredOperation } from './operation-repository.ts'
import { toOperation } from './operation-repository.ts'
import { DELIVERY_COLUMNS, type Delivery, toDelivery } from './webhook-repository.ts'

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

/** The sessions of the event with our id, and of the attempt with our id or the provider's. */
export async function findSessionsOfParts(
  { sql }: Database,
  { tenantId, value, limit }: RecordSearch,
): Promise<string[]> {
  const accounts = sql.selectFrom('accounts').select('id').where('tenant_id', '=', tenantId)
  const found = await Promise.all([
    sql.selectFrom('events').select('session_id').where('tenant_id', '=', tenantId).where('id', '=', value).execute(),
    sql.selectFrom('attempts').select('session_id').where('tenant_id', '=', tenantId).where('id', '=', value).execute(),
    sql
      .selectFrom('attempts')
      .select('session_id')
      .where('account_id', 'in', accounts)
      .where('provider_id', '=', value)
      .limit(limit)
      .execute(),
  ])
  return found.flat().flatMap(({ session_id }) => session_id ?? [])
}

/** The deliveries with our id or the provider's id of the event, and those about the record with this id at the provider. */
export async function searchDeliveries(
  { sql }: Database,
  { tenantId, value, limit }: RecordSearch,
): Promise<Delivery[]> {
  const accounts = sql.selectFrom('accounts').select('id').where('tenant_id', '=', tenantId)
  const deliveries = sql.selectFrom('deliveries').select(DELIVERY_COLUMNS).where('tenant_id', '=', tenantId)
  const ofAccounts = deliveries.where('account_id', 'in', accounts)
  const found = await Promise.all([
    deliveries.where('id', '=', value).execute(),
    ofAccounts.where('key', '=', value).execute(),
    ofAccounts.where('subject_id', '=', value).orderBy('received_at', 'desc').limit(limit).execute(),
  ])
  return distinctById(found.flat()).map(toDelivery)
}

/** The create with our id, the creates of the request with this id, and the create with this idempotency key. */
export async function searchOperations(
  { sql }: Database,
  { tenantId, value, limit }: RecordSearch,
): Promise<StoredOperation[]> {
  const operations = sql.selectFrom('operations').selectAll().where('tenant_id', '=', tenantId)
  const found = await Promise.all([
    operations.where('id', '=', value).execute(),
    operations.where('request_id', '=', value).orderBy('created_at', 'desc').limit(limit).execute(),
    operations.where('idempotency_key', '=', value).execute(),
  ])
  return distinctById(found.flat()).map(toOperation)
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
