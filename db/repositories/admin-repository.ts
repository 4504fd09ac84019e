import { sql } from 'kysely'
import type { Provider } from '../../src/domain/provider.ts'
import type { Outcome } from '../../src/domain/records/decision.ts'
import type { OperationState } from '../../src/domain/records/operation.ts'
import type { SessionStatus } from '../../src/domain/records/session.ts'
import { toDate } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { countRows } from '../core/record-queries.ts'
import { DELIVERY_COLUMNS, type Delivery, type DeliveryState, toDelivery } from './webhook-repository.ts'

/** Counts and lists of one tenant for operators. They are bounded and have no personal data. */

/** The rows that one count reads at most. */
export const MAX_SCANNED = 50_000

const DAY_MS = 86_400_000

/** The number of a day's sessions with one provider, status and outcome. */
export interface SessionGroup {
  readonly provider: Provider
  readonly status: SessionStatus
  readonly outcome: Outcome
  /** The furthest stage that their events reached: 0 created, 1 started, 2 completed, 3 approved. */
  readonly stage: number
  /** 00:00 UTC. */
  readonly day: Date
  readonly count: number
}

/** Counts the newest sessions since `since` by day, provider, status, outcome and stage. */
export async function countSessionGroups(db: Database, tenantId: string, since: Date): Promise<SessionGroup[]> {
  const day = sql<number>`created_at - created_at % ${sql.lit(DAY_MS)}`
  const rows = await db.sql
    .selectFrom(newest(db, tenantId, since).as('newest'))
    .select(['provider', 'status', 'outcome', 'stage', day.as('day'), eb => eb.fn.countAll().as('count')])
    .groupBy(['provider', 'status', 'outcome', 'stage', day])
    .execute()
  return rows.map(row => ({
    ...named(row),
    stage: row.stage,
    day: new Date(Number(row.day)),
    count: Number(row.count),
  }))
}

/** A session without personal data, except the caller's id of its user. */
export interface SessionSummary {
  readonly id: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly applicantId: string | null
  readonly customerId: string | null
  readonly status: SessionStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly externalId: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface SessionRowFilter {
  readonly provider?: string
  readonly status?: string
  readonly outcome?: string
  /** Created at or after this. */
  readonly from?: Date
  /** Created before this. */
  readonly until?: Date
}

/** The last row of a page of sessions. */
export interface SessionCursor {
  readonly createdAt: number
  readonly id: string
}

/** The newest sessions that match, after `after`. */
export async function listSessionRows(
  db: Database,
  tenantId: string,
  { provider, status, outcome, from, until }: SessionRowFilter,
  { after, limit }: { readonly after?: SessionCursor; readonly limit: number },
): Promise<SessionSummary[]> {
  const upTo = Math.min(after?.createdAt ?? LATEST, until ? until.getTime() - 1 : LATEST)
  const scanned = newest(db, tenantId, from ?? new Date(0)).where('created_at', '<=', upTo)
  let ids = db.sql.selectFrom(scanned.as('newest')).select('id')
  if (provider !== undefined) ids = ids.where('provider', '=', provider)
  if (status !== undefined) ids = ids.where('status', '=', status)
  if (outcome !== undefined) ids = ids.where('outcome', '=', outcome)
  if (after) ids = ids.where(eb => eb.or([eb('created_at', '<', after.createdAt), eb('id', '<', after.id)]))
  const found = ids.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit)
  const rows = await selectSessions(db)
    .where('id', 'in', found)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  return rows.map(toSessionRow)
}

const LATEST = Number.MAX_SAFE_INTEGER

/** The sessions with these ids. */
export async function listSessionsByIds(
  db: Database,
  tenantId: string,
  ids: readonly string[],
): Promise<SessionSummary[]> {
  if (ids.length === 0) return []
  const rows = await selectSessions(db).where('tenant_id', '=', tenantId).where('id', 'in', ids).execute()
  return rows.map(toSessionRow)
}

/** An applicant or a customer without personal data. */
export interface RecordSummary {
  readonly id: string
  readonly provider: Provider
  readonly providerId: string
  readonly createdAt: Date
}

/** The applicants or customers with these ids. */
export async function listRecordsByIds(
  db: Database,
  table: 'applicants' | 'customers',
  tenantId: string,
  ids: readonly string[],
): Promise<RecordSummary[]> {
  if (ids.length === 0) return []
  const rows = await db.sql
    .selectFrom(table)
    .select(['id', 'provider', 'provider_id', 'created_at'])
    .where('tenant_id', '=', tenantId)
    .where('id', 'in', ids)
    .execute()
  return rows.map(row => ({
    id: row.id,
    provider: row.provider as Provider,
    providerId: row.provider_id,
    createdAt: toDate(row.created_at),
  }))
}

export async function findSessionRow(db: Database, tenantId: string, id: string): Promise<SessionSummary | undefined> {
  const row = await selectSessions(db).where('tenant_id', '=', tenantId).where('id', '=', id).executeTakeFirst()
  return row && toSessionRow(row)
}

/** The ids of the tenant's creates of unknown outcome, the newest first. */
export async function listUnknownOperations(db: Database, tenantId: string, limit: number): Promise<string[]> {
  const state: OperationState = 'UNKNOWN'
  const rows = await db.sql
    .selectFrom('operations')
    .select('id')
    .where('tenant_id', '=', tenantId)
    // A literal, because the partial index does not match a parameter.
    .where('state', '=', sql.lit(state))
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** The tenant's newest deliveries, or those in `state`. */
export async function listDeliveryRows(
  db: Database,
  tenantId: string,
  { state, limit }: { readonly state?: Exclude<DeliveryState, 'APPLIED'>; readonly limit: number },
): Promise<Delivery[]> {
  let query = db.sql
    .selectFrom('deliveries')
    .select(DELIVERY_COLUMNS)
    .where('tenant_id', '=', tenantId)
    .orderBy('received_at', 'desc')
    .limit(limit)
  // The first two conditions are those of the partial index.
  if (state === 'STORED' || state === 'QUARANTINED')
    query = query
      .where('state', '<>', sql.lit('APPLIED'))
      .where('state', '<>', sql.lit('DISMISSED'))
      .where('state', '=', state)
  else if (state) query = query.where('state', '=', state)
  return (await query.execute()).map(toDelivery)
}

/** The newest deliveries of an account about these records, which are named by their ids at the provider. */
export async function listDeliveriesAbout(
  db: Database,
  { tenantId, accountId }: { readonly tenantId: string; readonly accountId: string },
  subjectIds: readonly string[],
  limit: number,
): Promise<Delivery[]> {
  const rows = await db.sql
    .selectFrom('deliveries')
    .select(DELIVERY_COLUMNS)
    .where('tenant_id', '=', tenantId)
    .where('account_id', '=', accountId)
    .where('subject_id', 'in', subjectIds)
    .orderBy('received_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(toDelivery)
}

export interface OpenDeliveries {
  readonly waiting: number
  readonly quarantined: number
  readonly oldestWaiting: Date | null
}

/** Counts the tenant's deliveries that are neither applied nor dismissed. */
export async function countOpenDeliveries(db: Database, tenantId: string): Promise<OpenDeliveries> {
  const open = db.sql
    .selectFrom('deliveries')
    .select(['state', 'received_at'])
    .where('tenant_id', '=', tenantId)
    .where('state', '<>', sql.lit('APPLIED'))
    .where('state', '<>', sql.lit('DISMISSED'))
    .orderBy('received_at')
    .limit(MAX_SCANNED)
  const rows = await db.sql
    .selectFrom(open.as('open'))
    .select(['state', eb => eb.fn.countAll().as('count'), eb => eb.fn.min('received_at').as('oldest')])
    .groupBy('state')
    .execute()
  const of = (state: string) => rows.find(row => row.state === state)
  const oldest = of('STORED')?.oldest
  return {
    waiting: Number(of('STORED')?.count ?? 0),
    quarantined: Number(of('QUARANTINED')?.count ?? 0),
    oldestWaiting: oldest == null ? null : new Date(Number(oldest)),
  }
}

/** The columns of the covering index. */
function newest({ sql: from }: Database, tenantId: string, since: Date) {
  return from
    .selectFrom('sessions')
    .select(['id', 'provider', 'status', 'outcome', 'stage', 'created_at'])
    .where('tenant_id', '=', tenantId)
    .where('created_at', '>=', since.getTime())
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(MAX_SCANNED)
}

function selectSessions({ sql: from }: Database) {
  return from
    .selectFrom('sessions')
    .select([
      'id',
      'account_id',
      'provider',
      'provider_id',
      'applicant_id',
      'customer_id',
      'status',
      'outcome',
      'provider_status',
      'external_id',
      'created_at',
      'updated_at',
    ])
}

type SelectedRow = Awaited<ReturnType<ReturnType<typeof selectSessions>['execute']>>[number]

function toSessionRow(row: SelectedRow): SessionSummary {
  return {
    id: row.id,
    ...named(row),
    accountId: row.account_id,
    providerId: row.provider_id,
    applicantId: row.applicant_id,
    customerId: row.customer_id,
    providerStatus: row.provider_status,
    externalId: row.external_id,
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
  }
}

/** Repositories write only members of these unions. */
function named({ provider, status, outcome }: { provider: string; status: string; outcome: string }) {
  return { provider: provider as Provider, status: status as SessionStatus, outcome: outcome as Outcome }
}

/** Work of the jobs that is late, counted up to `MAX_LATE`. */
export interface LateWork {
  readonly polls: number
  readonly recoveries: number
}

export const MAX_LATE = 1_000

/** Counts records of the tenant whose poll, and creates whose search, was due before `before`. */
export async function countLateWork(db: Database, tenantId: string, before: Date): Promise<LateWork> {
  const polls = db.sql
    .selectFrom('sessions')
    .select('id')
    .where('next_poll_at', '<', before.getTime())
    .where('tenant_id', '=', tenantId)
  const recoveries = db.sql
    .selectFrom('operations')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('state', '=', sql.lit('UNKNOWN'))
    .where('next_check_at', '<', before.getTime())
  return { polls: await countRows(db, polls, MAX_LATE), recoveries: await countRows(db, recoveries, MAX_LATE) }
}
