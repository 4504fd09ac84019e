import { sql } from 'kysely'
import type { Provider } from '../../src/domain/provider.ts'
import type { OperationState } from '../../src/domain/records/operation.ts'
import { decryptJson } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { forUpdate } from '../core/dialect.ts'
import { reviseOwners, withRevision } from '../core/revision.ts'
import { findTombstoneHashes, type TombstoneKey } from './tombstone-repository.ts'
import { rawPlace } from './webhook-repository.ts'

interface RecordKey {
  readonly id: string
  readonly account_id: string
  readonly provider_id: string
}

/** The records of a person by type. */
export interface PersonRecords {
  readonly sessions: readonly RecordKey[]
  readonly applicants: readonly RecordKey[]
  readonly customers: readonly RecordKey[]
}

export interface PersonOperation {
  readonly id: string
  readonly account_id: string
  readonly state: OperationState
  readonly reference: string
  readonly idempotency_key: string
}

const LIMIT = 500

/**
 * The records with the person's external id, and the records that link to them without another external id. A session counts
 * also with another external id that the caller did not set, and an applicant that exists only in one of the sessions counts,
 * too. Records that another person's records link to are not included.
 */
export async function findPersonRecords(db: Database, tenantId: string, externalId: string): Promise<PersonRecords> {
  const found = { sessions: new Map(), applicants: new Map(), customers: new Map() } as Found
  for (let size = -1; size !== sizeOf(found); ) {
    size = sizeOf(found)
    await addSessions(db, tenantId, externalId, found)
    await addApplicants(db, tenantId, externalId, found)
    await addCustomers(db, tenantId, externalId, found)
  }
  return {
    sessions: [...found.sessions.values()],
    applicants: [...found.applicants.values()],
    customers: [...found.customers.values()],
  }
}

interface Linked extends RecordKey {
  readonly external_id: string | null
  readonly applicant_id?: string | null
  readonly customer_id?: string | null
}

type Found = Record<'sessions' | 'applicants' | 'customers', Map<string, Linked>>

function sizeOf({ sessions, applicants, customers }: Found): number {
  return sessions.size + applicants.size + customers.size
}

async function addSessions(db: Database, tenantId: string, externalId: string, found: Found): Promise<void> {
  const rows = await db.sql
    .selectFrom('sessions')
    .select(['id', 'account_id', 'provider_id', 'external_id', 'applicant_id', 'customer_id'])
    .where('tenant_id', '=', tenantId)
    .where(eb =>
      eb.or([
        eb('external_id', '=', externalId),
        eb.and([
          eb('external_id', 'is', null),
          eb.or([eb('applicant_id', 'in', keysOf(found.applicants)), eb('customer_id', 'in', keysOf(found.customers))]),
        ]),
        eb.and([
          eb('external_id_pinned', '=', 0),
          eb.or([
            eb('applicant_id', 'in', identifiedIn(found.applicants)),
            eb('customer_id', 'in', identifiedIn(found.customers)),
          ]),
        ]),
      ]),
    )
    .execute()
  for (const row of rows) found.sessions.set(row.id, row)
}

async function addApplicants(db: Database, tenantId: string, externalId: string, found: Found): Promise<void> {
  const linked = [...found.sessions.values()].flatMap(({ applicant_id }) => applicant_id ?? [])
  const alone = await excludeShared(db, tenantId, externalId, 'applicant_id', linked, ['sessions'])
  const embedded = await listEmbeddedApplicants(db, found)
  const rows = await db.sql
    .selectFrom('applicants')
    .select(['id', 'account_id', 'provider_id', 'external_id', 'customer_id'])
    .where('tenant_id', '=', tenantId)
    .where(eb =>
      eb.or([
        eb('external_id', '=', externalId),
        eb.and([
          eb('external_id', 'is', null),
          eb.or([eb('id', 'in', orEmptyId(alone)), eb('customer_id', 'in', keysOf(found.customers))]),
        ]),
        eb('id', 'in', orEmptyId(embedded)),
      ]),
    )
    .execute()
  for (const row of rows) found.applicants.set(row.id, row)
}

/** The applicants that exist only in one of these sessions: their provider id is derived from that of the session. */
async function listEmbeddedApplicants(db: Database, found: Found): Promise<string[]> {
  const embedded = [...found.sessions.values()].map(({ provider_id }) => `${provider_id}:applicant`)
  const accounts = new Map([...found.sessions.values()].map(row => [`${row.provider_id}:applicant`, row.account_id]))
  const rows = await db.sql
    .selectFrom('applicants')
    .select(['id', 'account_id', 'provider_id'])
    .where('provider_id', 'in', orEmptyId(embedded))
    .where('account_id', 'in', orEmptyId([...new Set(accounts.values())]))
    .execute()
  return rows.filter(row => accounts.get(row.provider_id) === row.account_id).map(({ id }) => id)
}

async function addCustomers(db: Database, tenantId: string, externalId: string, found: Found): Promise<void> {
  const owners = [...found.sessions.values(), ...found.applicants.values()]
  const linked = owners.flatMap(({ customer_id }) => customer_id ?? [])
  const alone = await excludeShared(db, tenantId, externalId, 'customer_id', linked, ['sessions', 'applicants'])
  const rows = await db.sql
    .selectFrom('customers')
    .select(['id', 'account_id', 'provider_id', 'external_id'])
    .where('tenant_id', '=', tenantId)
    .where(eb =>
      eb.or([
        eb('external_id', '=', externalId),
        eb.and([eb('external_id', 'is', null), eb('id', 'in', orEmptyId(alone))]),
      ]),
    )
    .execute()
  for (const row of rows) found.customers.set(row.id, row)
}

/** The linked records that no record of another person in these tables links to. */
async function excludeShared(
  db: Database,
  tenantId: string,
  externalId: string,
  link: 'applicant_id' | 'customer_id',
  linked: readonly string[],
  tables: readonly ('sessions' | 'applicants')[],
): Promise<string[]> {
  const shared = new Set<unknown>()
  for (const table of tables) {
    const query = sql<{ id: string }>`
      select ${sql.ref(link)} as id from ${sql.table(table)}
      where tenant_id = ${tenantId} and ${sql.ref(link)} in (${sql.join(orEmptyId(linked))}) and external_id <> ${externalId}`
    for (const { id } of (await query.execute(db.sql)).rows) shared.add(id)
  }
  return linked.filter(id => !shared.has(id))
}

/**
 * The creates of the person's records, and the creates without a record that name its external id or records: unsettled ones
 * and failed ones. A transaction locks them.
 */
export async function findPersonOperations(
  db: Database,
  tenantId: string,
  externalId: string,
  records: PersonRecords,
): Promise<PersonOperation[]> {
  const subjects: TombstoneKey[] = [...recordKeysOf(records), { tenantId, kind: 'externalId', value: externalId }]
  const hashes = new Set(await findTombstoneHashes(db, subjects))
  const operations = () => db.sql.selectFrom('operations').where('tenant_id', '=', tenantId)
  const open = await operations()
    .select(['id', 'subject_hashes'])
    .where('state', 'in', ['PENDING', 'SENT', 'UNKNOWN', 'FAILED'])
    .where('subject_hashes', '<>', '')
    .execute()
  const named = open.filter(row => row.subject_hashes.split(' ').some(hash => hashes.has(hash)))
  const rows = await operations()
    .select(['id', 'account_id', 'state', 'reference', 'idempotency_key'])
    .where(eb =>
      eb.or([eb('record_id', 'in', orEmptyId(idsOf(records))), eb('id', 'in', orEmptyId(named.map(({ id }) => id)))]),
    )
    .$call(forUpdate(db))
    .execute()
  return rows.map(row => ({ ...row, state: row.state as OperationState }))
}

/** The tombstones of these records and creates. */
export function tombstoneKeysOf(
  records: PersonRecords,
  operations: readonly PersonOperation[],
  tenantId: string,
): TombstoneKey[] {
  return [
    ...recordKeysOf(records),
    ...operations.flatMap(({ account_id, reference, idempotency_key }): TombstoneKey[] => [
      { accountId: account_id, kind: 'reference', value: reference },
      { tenantId, kind: 'idempotencyKey', value: idempotency_key },
    ]),
  ]
}

function recordKeysOf({ sessions, applicants, customers }: PersonRecords): TombstoneKey[] {
  const of = (rows: readonly RecordKey[], kind: 'applicant' | 'customer' | 'session') =>
    rows.map((row): TombstoneKey => ({ accountId: row.account_id, kind, value: row.provider_id }))
  return [...of(sessions, 'session'), ...of(applicants, 'applicant'), ...of(customers, 'customer')]
}

/** A delivery with its content. */
export interface StoredDelivery<T> {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly endpointId: string
  readonly provider: Provider
  readonly stored: T
}

/** The deliveries of these accounts of a tenant with their content, by id, after an id. Content that cannot be decrypted is null. */
export async function listStoredDeliveries<T>(
  db: Database,
  tenantId: string,
  accountIds: readonly string[],
  after: string,
): Promise<StoredDelivery<T | null>[]> {
  const rows = await db.sql
    .selectFrom('deliveries')
    .select(['id', 'account_id', 'endpoint_id', 'provider', 'raw_encrypted'])
    .where('tenant_id', '=', tenantId)
    .where('account_id', 'in', orEmptyId(accountIds))
    .where('id', '>', after)
    .orderBy('id')
    .limit(LIMIT)
    .execute()
  return rows.map(row => ({
    id: row.id,
    tenantId,
    accountId: row.account_id,
    endpointId: row.endpoint_id,
    provider: row.provider as Provider,
    stored: decryptJson<T>(db.encryption, row.raw_encrypted, rawPlace({ id: row.id, tenantId })),
  }))
}

export async function deleteDeliveries(db: Database, ids: readonly string[]): Promise<void> {
  await db.sql.deleteFrom('deliveries').where('id', 'in', orEmptyId(ids)).execute()
}

/** All accounts of the tenant, including disconnected ones. */
export async function listAccountIds(db: Database, tenantId: string): Promise<string[]> {
  const rows = await db.sql.selectFrom('accounts').select('id').where('tenant_id', '=', tenantId).execute()
  return rows.map(({ id }) => id)
}

/** A session of another person that links to a record of the person. */
export interface RemainingSession {
  readonly id: string
  readonly tenantId: string
  readonly provider: Provider
  readonly applicantId: string | null
  readonly customerId: string | null
}

/** The sessions that link to these records and are not deleted with them. */
export async function findRemainingSessions(
  db: Database,
  { sessions, applicants, customers }: PersonRecords,
): Promise<RemainingSession[]> {
  const ids = (rows: readonly RecordKey[]) => orEmptyId(rows.map(({ id }) => id))
  const rows = await db.sql
    .selectFrom('sessions')
    .select(['id', 'tenant_id', 'provider', 'applicant_id', 'customer_id'])
    .where(eb => eb.or([eb('applicant_id', 'in', ids(applicants)), eb('customer_id', 'in', ids(customers))]))
    .where('id', 'not in', ids(sessions))
    .orderBy('id')
    .execute()
  return rows.map(row => ({
    id: row.id,
    tenantId: row.tenant_id,
    provider: row.provider as Provider,
    applicantId: row.applicant_id,
    customerId: row.customer_id,
  }))
}

/** Deletes the records with their events, attempts and creates, and the links of other records to them. */
export async function deletePerson(
  db: Database,
  { sessions, applicants, customers }: PersonRecords,
  operations: readonly PersonOperation[],
): Promise<void> {
  const [sessionIds, applicantIds, customerIds] = [sessions, applicants, customers].map(rows =>
    orEmptyId(rows.map(({ id }) => id)),
  ) as [string[], string[], string[]]
  const { sql } = db
  await sql.deleteFrom('events').where('session_id', 'in', sessionIds).execute()
  const attempts = await sql
    .deleteFrom('attempts')
    .where(eb => eb.or([eb('session_id', 'in', sessionIds), eb('applicant_id', 'in', applicantIds)]))
    .returning(['session_id', 'applicant_id'])
    .execute()
  await sql.deleteFrom('sessions').where('id', 'in', sessionIds).execute()
  for (const table of ['sessions', 'applicants'] as const) {
    await sql
      .updateTable(table)
      .set(withRevision({ customer_id: null }))
      .where('customer_id', 'in', customerIds)
      .execute()
  }
  await sql
    .updateTable('sessions')
    .set(withRevision({ applicant_id: null }))
    .where('applicant_id', 'in', applicantIds)
    .execute()
  await reviseOwners(db, {
    sessions: attempts.map(row => row.session_id),
    applicants: attempts.map(row => row.applicant_id),
  })
  await sql.deleteFrom('applicants').where('id', 'in', applicantIds).execute()
  await sql.deleteFrom('customers').where('id', 'in', customerIds).execute()
  await sql
    .deleteFrom('operations')
    .where('id', 'in', orEmptyId(operations.map(({ id }) => id)))
    .execute()
}

export function idsOf({ sessions, applicants, customers }: PersonRecords): string[] {
  return [...sessions, ...applicants, ...customers].map(({ id }) => id)
}

function keysOf(found: ReadonlyMap<string, unknown>): string[] {
  return orEmptyId([...found.keys()])
}

/** The records that have the person's external id. */
function identifiedIn(found: ReadonlyMap<string, Linked>): string[] {
  return orEmptyId([...found.values()].filter(row => row.external_id !== null).map(({ id }) => id))
}

/** Raw SQL has no empty lists, and no row has an empty id. */
function orEmptyId(ids: readonly string[]): string[] {
  return ids.length === 0 ? [''] : [...ids]
}

/**
 * Removes deleted values from SQLite's write-ahead log; secure_delete overwrites them in the file. False where a reader
 * blocks the checkpoint: then call it again. In PostgreSQL, vacuum removes them.
 */
export async function truncateWal({ engine, sql: db }: Database): Promise<boolean> {
  if (engine !== 'sqlite') return true
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(TRUNCATE)`.execute(db)
  return rows[0]?.busy !== 1
}
