import { sql } from 'kysely'
import type { CreateState } from '../src/domain/operation.ts'
import { openJson } from './columns.ts'
import type { Database } from './database.ts'
import type { Trace } from './tombstone-repository.ts'

/** Finding and deleting all that belongs to one person. */

interface RecordKey {
  readonly id: string
  readonly account_id: string
  readonly provider_id: string
}

/** A person's records, by noun. */
export interface PersonRecords {
  readonly sessions: readonly RecordKey[]
  readonly applicants: readonly RecordKey[]
  readonly customers: readonly RecordKey[]
}

export interface PersonOperation {
  readonly id: string
  readonly account_id: string
  readonly state: CreateState
  readonly reference: string
  readonly idempotency_key: string
}

const LIMIT = 500

/**
 * The records with the person's externalId, and those that are linked to them and have no other one. What
 * somebody else's records are linked to as well is not this person's alone, and is left.
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
    .select(['id', 'account_id', 'provider_id', 'applicant_id', 'customer_id'])
    .where('tenant_id', '=', tenantId)
    .where(eb =>
      eb.or([
        eb('external_id', '=', externalId),
        eb.and([
          eb('external_id', 'is', null),
          eb.or([eb('applicant_id', 'in', keysOf(found.applicants)), eb('customer_id', 'in', keysOf(found.customers))]),
        ]),
      ]),
    )
    .execute()
  for (const row of rows) found.sessions.set(row.id, row)
}

async function addApplicants(db: Database, tenantId: string, externalId: string, found: Found): Promise<void> {
  const linked = [...found.sessions.values()].flatMap(({ applicant_id }) => applicant_id ?? [])
  const alone = await withoutOthers(db, tenantId, externalId, 'applicant_id', linked, ['sessions'])
  const rows = await db.sql
    .selectFrom('applicants')
    .select(['id', 'account_id', 'provider_id', 'customer_id'])
    .where('tenant_id', '=', tenantId)
    .where(eb =>
      eb.or([
        eb('external_id', '=', externalId),
        eb.and([
          eb('external_id', 'is', null),
          eb.or([eb('id', 'in', orNone(alone)), eb('customer_id', 'in', keysOf(found.customers))]),
        ]),
      ]),
    )
    .execute()
  for (const row of rows) found.applicants.set(row.id, row)
}

async function addCustomers(db: Database, tenantId: string, externalId: string, found: Found): Promise<void> {
  const owners = [...found.sessions.values(), ...found.applicants.values()]
  const linked = owners.flatMap(({ customer_id }) => customer_id ?? [])
  const alone = await withoutOthers(db, tenantId, externalId, 'customer_id', linked, ['sessions', 'applicants'])
  const rows = await db.sql
    .selectFrom('customers')
    .select(['id', 'account_id', 'provider_id'])
    .where('tenant_id', '=', tenantId)
    .where(eb =>
      eb.or([
        eb('external_id', '=', externalId),
        eb.and([eb('external_id', 'is', null), eb('id', 'in', orNone(alone))]),
      ]),
    )
    .execute()
  for (const row of rows) found.customers.set(row.id, row)
}

/** Those of the linked records that nobody else's record in these tables is linked to. */
async function withoutOthers(
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
      where tenant_id = ${tenantId} and ${sql.ref(link)} in (${sql.join(orNone(linked))}) and external_id <> ${externalId}`
    for (const { id } of (await query.execute(db.sql)).rows) shared.add(id)
  }
  return linked.filter(id => !shared.has(id))
}

/** The creates of the person: of its records, and those under way that name it. */
export async function findPersonOperations(
  db: Database,
  tenantId: string,
  externalId: string,
  records: PersonRecords,
): Promise<PersonOperation[]> {
  const ids = idsOf(records)
  const columns = ['id', 'account_id', 'state', 'reference', 'idempotency_key'] as const
  const operations = () => db.sql.selectFrom('operations').where('tenant_id', '=', tenantId)
  const made = await operations().select(columns).where('record_id', 'in', orNone(ids)).execute()
  const open = await operations()
    .select([...columns, 'input_sealed'])
    .where('state', 'in', ['PENDING', 'SENT', 'UNKNOWN'])
    .execute()
  const named = open.filter(row => isAbout(openJson<Plan>(db.vault, row.input_sealed), externalId, ids))
  return [...made, ...named].map(row => ({ ...row, state: row.state as CreateState }))
}

/** What of a create's stored input names a person. */
interface Plan {
  readonly externalId?: string | null
  readonly applicantId?: string | null
  readonly customerId?: string | null
}

function isAbout(plan: Plan | null, externalId: string, ids: readonly string[]): boolean {
  if (!plan) return false
  const linked = [plan.applicantId, plan.customerId]
  return plan.externalId === externalId || linked.some(id => id != null && ids.includes(id))
}

/** What the provider may send again of all this. */
export function tracesOf(records: PersonRecords, operations: readonly PersonOperation[], tenantId: string): Trace[] {
  const of = (rows: readonly RecordKey[], kind: 'applicant' | 'customer' | 'session') =>
    rows.map((row): Trace => ({ accountId: row.account_id, kind, value: row.provider_id }))
  return [
    ...of(records.sessions, 'session'),
    ...of(records.applicants, 'applicant'),
    ...of(records.customers, 'customer'),
    ...operations.flatMap(({ account_id, reference, idempotency_key }): Trace[] => [
      { accountId: account_id, kind: 'reference', value: reference },
      { tenantId, kind: 'idempotencyKey', value: idempotency_key },
    ]),
  ]
}

/** The stored deliveries of these accounts after an id, as they were written, oldest id first. */
export async function listRawDeliveries<T>(
  db: Database,
  accountIds: readonly string[],
  after: string,
): Promise<{ readonly id: string; readonly kept: T | null }[]> {
  const rows = await db.sql
    .selectFrom('deliveries')
    .select(['id', 'raw_sealed'])
    .where('account_id', 'in', orNone(accountIds))
    .where('id', '>', after)
    .orderBy('id')
    .limit(LIMIT)
    .execute()
  return rows.map(({ id, raw_sealed }) => ({ id, kept: openJson<T>(db.vault, raw_sealed) }))
}

export async function deleteDeliveries(db: Database, ids: readonly string[]): Promise<void> {
  await db.sql.deleteFrom('deliveries').where('id', 'in', orNone(ids)).execute()
}

/** The tenant's accounts that anything may have been stored of. */
export async function listAccountIds(db: Database, tenantId: string): Promise<string[]> {
  const rows = await db.sql.selectFrom('accounts').select('id').where('tenant_id', '=', tenantId).execute()
  return rows.map(({ id }) => id)
}

/** Deletes the records with all that hangs on them. What is left is not linked to them any more. */
export async function deletePerson(
  db: Database,
  { sessions, applicants, customers }: PersonRecords,
  operations: readonly PersonOperation[],
): Promise<void> {
  const [sessionIds, applicantIds, customerIds] = [sessions, applicants, customers].map(rows =>
    orNone(rows.map(({ id }) => id)),
  ) as [string[], string[], string[]]
  const { sql } = db
  await sql.deleteFrom('events').where('session_id', 'in', sessionIds).execute()
  await sql
    .deleteFrom('attempts')
    .where(eb => eb.or([eb('session_id', 'in', sessionIds), eb('applicant_id', 'in', applicantIds)]))
    .execute()
  await sql.deleteFrom('sessions').where('id', 'in', sessionIds).execute()
  for (const table of ['sessions', 'applicants'] as const) {
    await sql.updateTable(table).set({ customer_id: null }).where('customer_id', 'in', customerIds).execute()
  }
  await sql.updateTable('sessions').set({ applicant_id: null }).where('applicant_id', 'in', applicantIds).execute()
  await sql.deleteFrom('applicants').where('id', 'in', applicantIds).execute()
  await sql.deleteFrom('customers').where('id', 'in', customerIds).execute()
  await sql
    .deleteFrom('operations')
    .where('id', 'in', orNone(operations.map(({ id }) => id)))
    .execute()
}

export function idsOf({ sessions, applicants, customers }: PersonRecords): string[] {
  return [...sessions, ...applicants, ...customers].map(({ id }) => id)
}

function keysOf(found: ReadonlyMap<string, unknown>): string[] {
  return orNone([...found.keys()])
}

/** No row has the empty id: an empty list is one that nothing is in. */
function orNone(ids: readonly string[]): string[] {
  return ids.length === 0 ? [''] : [...ids]
}
