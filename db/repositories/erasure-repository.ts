import { sql } from 'kysely'
import { distinctById } from '../../src/domain/distinct-by-id.ts'
import { groupBy } from '../../src/domain/group-by.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { OperationState } from '../../src/domain/records/operation.ts'
import { inBatches } from '../core/batches.ts'
import { decryptJson } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { forUpdate } from '../core/dialect.ts'
import { lockRows } from '../core/record-locks.ts'
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
  const person: Person = { tenantId, externalId }
  const found: Found = { sessions: new Map(), applicants: new Map(), customers: new Map() }
  for (let added = addNew(found, await listIdentified(db, person)); sizeOf(added) > 0; ) {
    added = addNew(found, await listLinked(db, person, added))
  }
  return {
    sessions: [...found.sessions.values()],
    applicants: [...found.applicants.values()],
    customers: [...found.customers.values()],
  }
}

interface Person {
  readonly tenantId: string
  readonly externalId: string
}

interface Linked extends RecordKey {
  readonly external_id: string | null
  readonly applicant_id?: string | null
  readonly customer_id?: string | null
}

type LinkedRecords = Readonly<Record<'sessions' | 'applicants' | 'customers', readonly Linked[]>>

type Found = Readonly<Record<keyof LinkedRecords, Map<string, Linked>>>

function sizeOf({ sessions, applicants, customers }: LinkedRecords): number {
  return sessions.length + applicants.length + customers.length
}

/** Adds these records to the found ones. Returns those that were not found before. */
function addNew(found: Found, records: LinkedRecords): LinkedRecords {
  const addTo = (table: keyof LinkedRecords) => {
    const added = new Map(records[table].filter(({ id }) => !found[table].has(id)).map(row => [row.id, row]))
    for (const [id, row] of added) found[table].set(id, row)
    return [...added.values()]
  }
  return { sessions: addTo('sessions'), applicants: addTo('applicants'), customers: addTo('customers') }
}

/** The records that have the person's external id. */
async function listIdentified(db: Database, person: Person): Promise<LinkedRecords> {
  const { externalId } = person
  return {
    sessions: await sessionsOf(db, person).where('external_id', '=', externalId).execute(),
    applicants: await applicantsOf(db, person).where('external_id', '=', externalId).execute(),
    customers: await customersOf(db, person).where('external_id', '=', externalId).execute(),
  }
}

/** The records of the person that a link leads to from these, or that link to these. */
async function listLinked(db: Database, person: Person, records: LinkedRecords): Promise<LinkedRecords> {
  const { sessions, applicants, customers } = records
  return {
    sessions: [
      ...(await listSessionsWith(db, person, 'applicant_id', applicants)),
      ...(await listSessionsWith(db, person, 'customer_id', customers)),
    ],
    applicants: [
      ...(await listApplicantsOfSessions(db, person, sessions)),
      ...(await listApplicantsOfCustomers(db, person, customers)),
      ...(await listEmbeddedApplicants(db, person, sessions)),
    ],
    customers: await listCustomersOf(db, person, [...sessions, ...applicants]),
  }
}

/** The sessions of the person that link to these records. */
async function listSessionsWith(
  db: Database,
  person: Person,
  link: LinkColumn,
  records: readonly Linked[],
): Promise<Linked[]> {
  const identified = records.filter(({ external_id }) => external_id !== null)
  const linkingTo = (ids: readonly string[]) => sessionsOf(db, person).where(link, 'in', ids)
  return [
    ...(await inBatches(toIds(records), ids => linkingTo(ids).where('external_id', 'is', null).execute())),
    ...(await inBatches(toIds(identified), ids => linkingTo(ids).where('external_id_pinned', '=', 0).execute())),
  ]
}

/** The applicants without an external id that these sessions link to. */
async function listApplicantsOfSessions(db: Database, person: Person, sessions: readonly Linked[]): Promise<Linked[]> {
  const links = sessions.flatMap(({ applicant_id }) => applicant_id ?? [])
  const rows = await inBatches(await excludeShared(db, person, 'applicant_id', links), ids =>
    selectApplicants(db).where('id', 'in', ids).execute(),
  )
  return rows.filter(hasNoExternalId)
}

/** The applicants without an external id that link to these customers. */
async function listApplicantsOfCustomers(
  db: Database,
  person: Person,
  customers: readonly Linked[],
): Promise<Linked[]> {
  return inBatches(toIds(customers), ids =>
    applicantsOf(db, person).where('external_id', 'is', null).where('customer_id', 'in', ids).execute(),
  )
}

/** The applicants that exist only in one of these sessions: their provider id is derived from that of the session. */
async function listEmbeddedApplicants(db: Database, person: Person, sessions: readonly Linked[]): Promise<Linked[]> {
  const found: Linked[] = []
  for (const [accountId, ofAccount] of groupBy(sessions, ({ account_id }) => account_id)) {
    const providerIds = ofAccount.map(({ provider_id }) => `${provider_id}:applicant`)
    const rows = await inBatches(providerIds, batch =>
      applicantsOf(db, person).where('account_id', '=', accountId).where('provider_id', 'in', batch).execute(),
    )
    for (const row of rows) found.push(row)
  }
  return found
}

/** The customers without an external id that these sessions and applicants link to. */
async function listCustomersOf(db: Database, person: Person, records: readonly Linked[]): Promise<Linked[]> {
  const links = records.flatMap(({ customer_id }) => customer_id ?? [])
  const rows = await inBatches(await excludeShared(db, person, 'customer_id', links), ids =>
    selectCustomers(db).where('id', 'in', ids).execute(),
  )
  return rows.filter(hasNoExternalId)
}

function hasNoExternalId({ external_id }: Linked): boolean {
  return external_id === null
}

function sessionsOf({ sql }: Database, { tenantId }: Person) {
  return sql
    .selectFrom('sessions')
    .select(['id', 'account_id', 'provider_id', 'external_id', 'applicant_id', 'customer_id'])
    .where('tenant_id', '=', tenantId)
}

function applicantsOf(db: Database, { tenantId }: Person) {
  return selectApplicants(db).where('tenant_id', '=', tenantId)
}

/** Of any tenant. With a condition on the tenant, SQLite finds rows by it and not by their ids. */
function selectApplicants({ sql }: Database) {
  return sql.selectFrom('applicants').select(['id', 'account_id', 'provider_id', 'external_id', 'customer_id'])
}

function customersOf(db: Database, { tenantId }: Person) {
  return selectCustomers(db).where('tenant_id', '=', tenantId)
}

function selectCustomers({ sql }: Database) {
  return sql.selectFrom('customers').select(['id', 'account_id', 'provider_id', 'external_id'])
}

type LinkColumn = 'applicant_id' | 'customer_id'

/** The tables that have the links. */
const LINKING = { applicant_id: ['sessions'], customer_id: ['sessions', 'applicants'] } as const

/** The linked records that no record of another person links to. */
async function excludeShared(
  db: Database,
  { tenantId, externalId }: Person,
  link: LinkColumn,
  linked: readonly string[],
): Promise<string[]> {
  const shared = new Set<string>()
  for (const table of LINKING[link]) {
    const rows = await inBatches(linked, async ids => {
      const query = sql<{ id: string }>`
        select distinct ${sql.ref(link)} as id from ${sql.table(table)}
        where tenant_id = ${tenantId} and ${sql.ref(link)} in (${sql.join(ids)}) and external_id <> ${externalId}`
      return (await query.execute(db.sql)).rows
    })
    for (const { id } of rows) shared.add(id)
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
  const select = (column: 'id' | 'record_id', ids: readonly string[]) =>
    inBatches(ids, batch =>
      operations()
        .select(['id', 'account_id', 'state', 'reference', 'idempotency_key'])
        .where(column, 'in', batch)
        .$call(forUpdate(db))
        .execute(),
    )
  const rows = distinctById([...(await select('record_id', idsOf(records))), ...(await select('id', toIds(named)))])
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

/** The deliveries of a tenant's accounts with their content, by id, after an id. Content that cannot be decrypted is null. */
export async function listStoredDeliveries<T>(
  db: Database,
  tenantId: string,
  after: string,
): Promise<StoredDelivery<T | null>[]> {
  const accounts = db.sql.selectFrom('accounts').select('id').where('tenant_id', '=', tenantId)
  const rows = await db.sql
    .selectFrom('deliveries')
    .select(['id', 'account_id', 'endpoint_id', 'provider', 'raw_encrypted'])
    .where('tenant_id', '=', tenantId)
    .where('account_id', 'in', accounts)
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
  await inBatches(ids, batch => db.sql.deleteFrom('deliveries').where('id', 'in', batch).execute())
}

/** A session of another person that links to a record of the person. */
export interface RemainingSession {
  readonly id: string
  readonly tenantId: string
  readonly provider: Provider
  readonly applicantId: string | null
  readonly customerId: string | null
}

/** The sessions that link to these records and are not deleted with them, by id. */
export async function findRemainingSessions(
  db: Database,
  tenantId: string,
  { sessions, applicants, customers }: PersonRecords,
): Promise<RemainingSession[]> {
  const deleted = new Set(toIds(sessions))
  const linkingTo = (link: LinkColumn, records: readonly RecordKey[]) =>
    inBatches(toIds(records), ids =>
      db.sql
        .selectFrom('sessions')
        .select(['id', 'tenant_id', 'provider', 'applicant_id', 'customer_id'])
        .where('tenant_id', '=', tenantId)
        .where(link, 'in', ids)
        .execute(),
    )
  const linking = [...(await linkingTo('applicant_id', applicants)), ...(await linkingTo('customer_id', customers))]
  return distinctById(linking.filter(({ id }) => !deleted.has(id)))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(row => ({
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
  tenantId: string,
  { sessions, applicants, customers }: PersonRecords,
  operations: readonly PersonOperation[],
): Promise<void> {
  const { sql } = db
  const [sessionIds, applicantIds, customerIds] = [toIds(sessions), toIds(applicants), toIds(customers)]
  await lockRows(db, 'customers', customerIds)
  await lockRows(db, 'applicants', applicantIds)
  await lockRows(db, 'sessions', sessionIds)
  await inBatches(sessionIds, ids => sql.deleteFrom('events').where('session_id', 'in', ids).execute())
  const ofSessions = await deleteAttempts(db, 'session_id', sessionIds)
  const ofApplicants = await deleteAttempts(db, 'applicant_id', applicantIds)
  await inBatches(sessionIds, ids => sql.deleteFrom('sessions').where('id', 'in', ids).execute())
  await removeLinks(db, tenantId, 'customer_id', customerIds)
  await removeLinks(db, tenantId, 'applicant_id', applicantIds)
  await reviseOwners(db, {
    sessions: ofApplicants.map(row => row.session_id),
    applicants: ofSessions.map(row => row.applicant_id),
  })
  await inBatches(applicantIds, ids => sql.deleteFrom('applicants').where('id', 'in', ids).execute())
  await inBatches(customerIds, ids => sql.deleteFrom('customers').where('id', 'in', ids).execute())
  await inBatches(toIds(operations), ids => sql.deleteFrom('operations').where('id', 'in', ids).execute())
}

/** Returns the owners of the deleted attempts. */
function deleteAttempts({ sql }: Database, owner: 'applicant_id' | 'session_id', ownerIds: readonly string[]) {
  return inBatches(ownerIds, ids =>
    sql.deleteFrom('attempts').where(owner, 'in', ids).returning(['session_id', 'applicant_id']).execute(),
  )
}

/** Removes the links to these records. */
async function removeLinks(db: Database, tenantId: string, link: LinkColumn, ids: readonly string[]): Promise<void> {
  for (const table of LINKING[link])
    await inBatches(ids, batch =>
      db.sql
        .updateTable(table)
        .set(withRevision({ [link]: null }))
        .where('tenant_id', '=', tenantId)
        .where(link, 'in', batch)
        .execute(),
    )
}

export function idsOf({ sessions, applicants, customers }: PersonRecords): string[] {
  return toIds([...sessions, ...applicants, ...customers])
}

function toIds(rows: readonly { readonly id: string }[]): string[] {
  return rows.map(({ id }) => id)
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
