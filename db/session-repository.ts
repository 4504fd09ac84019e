import { type SelectQueryBuilder, sql } from 'kysely'
import type { Details, JsonObject } from '../src/domain/json.ts'
import type { Outcome } from '../src/domain/outcome.ts'
import type { Provider } from '../src/domain/provider.ts'
import type { Session, SessionAccess, SessionStatus } from '../src/domain/session.ts'
import type { StatusSource } from '../src/domain/sync.ts'
import { defined, once, openJson, parseJson, sealJson, toDate, toFlag, toTime } from './columns.ts'
import type { Database } from './database.ts'
import { locked } from './dialect.ts'
import { type KeysetPage, selectPage } from './keyset.ts'
import { placeAmong } from './newest.ts'
import { countRows } from './record-filter.ts'
import type { SessionRow, Tables } from './tables.ts'

/** What a session is filed under; it never changes. */
export interface SessionKey {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly providerId: string
  readonly livemode: boolean
}

/** What may change about a session. What is undefined stays. */
export interface SessionChange {
  readonly status?: SessionStatus
  readonly outcome?: Outcome
  readonly providerStatus?: string | null
  readonly externalId?: string | null
  readonly externalIdPinned?: boolean
  readonly redirectUrl?: string | null
  readonly metadata?: JsonObject | null
  readonly createdAt?: Date
  readonly updatedAt?: Date
  readonly expiresAt?: Date | null
  readonly completedAt?: Date | null
  readonly access?: SessionAccess | null
  readonly applicantId?: string | null
  readonly customerId?: string | null
  readonly applicantPinned?: boolean
  readonly customerPinned?: boolean
  readonly attemptsFetchedAt?: Date
  readonly fetchedAt?: Date
  readonly beganAt?: Date
  readonly source?: StatusSource
  readonly details?: Details
  readonly nextPollAt?: Date | null
  readonly toldAt?: Date
}

export type NewSession = SessionKey &
  SessionChange &
  Required<
    Pick<
      SessionChange,
      'status' | 'outcome' | 'createdAt' | 'updatedAt' | 'fetchedAt' | 'beganAt' | 'source' | 'details'
    >
  >

export interface SessionFilter {
  readonly provider?: readonly Provider[] | null
  readonly status?: readonly SessionStatus[] | null
  readonly outcome?: readonly Outcome[] | null
  readonly externalId?: string | null
  readonly applicantId?: string | null
  readonly customerId?: string | null
  readonly createdAfter?: Date | null
  readonly createdBefore?: Date | null
}

/** A stored session, with what only the store needs to know of it. */
export interface StoredSession extends Session {
  readonly polls: number
  /** True where it is looked at by itself. */
  readonly polled: boolean
  readonly toldAt: Date | null
  readonly externalIdPinned: boolean
  readonly applicantPinned: boolean
  readonly customerPinned: boolean
  readonly beganAt: Date
}

export async function insertSession(db: Database, session: NewSession): Promise<void> {
  await db.sql
    .insertInto('sessions')
    .values({
      ...EMPTY,
      ...toColumns(db, session),
      id: session.id,
      tenant_id: session.tenantId,
      account_id: session.accountId,
      provider: session.provider,
      provider_id: session.providerId,
      livemode: session.livemode ? 1 : 0,
    } as SessionRow)
    .execute()
}

/** False where a newer answer is already there, or another status than the one given: then nothing changed. */
export async function updateSession(
  db: Database,
  id: string,
  change: SessionChange,
  status?: SessionStatus,
): Promise<boolean> {
  let query = db.sql.updateTable('sessions').set(toColumns(db, change)).where('id', '=', id)
  if (status) query = query.where('status', '=', status)
  if (change.beganAt) query = query.where('began_at', '<=', change.beganAt.getTime())
  const result = await query.executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export async function findSessions(db: Database, tenantId: string, ids: readonly string[]): Promise<StoredSession[]> {
  if (ids.length === 0) return []
  const query = db.sql.selectFrom('sessions').selectAll().where('tenant_id', '=', tenantId).where('id', 'in', ids)
  return (await query.$call(locked(db)).execute()).map(row => toSession(db, row))
}

export async function findSessionByProviderId(
  db: Database,
  accountId: string,
  providerId: string,
): Promise<StoredSession | undefined> {
  const query = db.sql
    .selectFrom('sessions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('provider_id', '=', providerId)
    .$call(locked(db))
  const row = await query.executeTakeFirst()
  return row && toSession(db, row)
}

export async function listSessions(
  db: Database,
  tenantId: string,
  filter: SessionFilter,
  page: KeysetPage,
): Promise<StoredSession[]> {
  const query = db.sql.selectFrom('sessions').selectAll().$call(filtered<SessionRow>(tenantId, filter))
  return (await selectPage(query, page)).map(row => toSession(db, row))
}

/** Of each of the caller's own users and at each provider: the newest session that is open, and the newest that is not. */
export async function listNewestSessionsOfPeople(
  db: Database,
  tenantId: string,
  externalIds: readonly string[],
): Promise<StoredSession[]> {
  if (externalIds.length === 0) return []
  const isOpen = sql`case when status in ('CREATED', 'IN_PROGRESS') then 1 else 0 end`
  const placed = db.sql
    .selectFrom('sessions')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('external_id', 'in', externalIds)
    .select(placeAmong('external_id', 'provider', isOpen))
  const rows = db.sql.selectFrom(placed.as('placed')).selectAll().where('place', '=', 1)
  return (await rows.execute()).map(row => toSession(db, row))
}

/** The record that sessions are linked to, and the externalId it had and has. */
export interface Renamed {
  readonly tenantId: string
  readonly applicantId?: string
  readonly customerId?: string
  readonly from: string | null
  readonly to: string | null
}

/** Gives a record's new externalId to the sessions linked to it that had none, or had the same, but by no word of the caller. */
export async function renameSessions(
  db: Database,
  { tenantId, applicantId, customerId, from, to }: Renamed,
): Promise<void> {
  const linked = db.sql
    .updateTable('sessions')
    .set({ external_id: to })
    .where('tenant_id', '=', tenantId)
    .where('external_id_pinned', '=', 0)
    .where(eb => eb.or([eb('external_id', 'is', null), eb('external_id', '=', from ?? '')]))
  if (applicantId) await linked.where('applicant_id', '=', applicantId).execute()
  if (customerId) await linked.where('customer_id', '=', customerId).execute()
}

/** How many sessions there are, counted up to `most`. */
export function countSessions(db: Database, tenantId: string, filter: SessionFilter, most: number): Promise<number> {
  return countRows(
    db,
    db.sql.selectFrom('sessions').select('id').$call(filtered<{ id: string }>(tenantId, filter)),
    most,
  )
}

/** Sessions that it is time to look at, the longest waiting first, of all accounts but these. */
export async function findDuePolls(
  db: Database,
  now: Date,
  limit: number,
  without: readonly string[],
): Promise<StoredSession[]> {
  let query = db.sql.selectFrom('sessions').selectAll().where('next_poll_at', '<=', now.getTime())
  if (without.length > 0) query = query.where('account_id', 'not in', without)
  return (await query.orderBy('next_poll_at').limit(limit).execute()).map(row => toSession(db, row))
}

export async function setNextPoll(db: Database, id: string, at: Date | null, polls: number): Promise<void> {
  const told = { next_poll_at: toTime(at), polls }
  await db.sql.updateTable('sessions').set(told).where('id', '=', id).execute()
}

/** Has these sessions looked at soon. */
export async function pollSoon(db: Database, ids: readonly string[], at: Date): Promise<void> {
  await db.sql
    .updateTable('sessions')
    .set({ next_poll_at: at.getTime() })
    .where('id', 'in', ids)
    .where('next_poll_at', '>', at.getTime())
    .execute()
}

/** Forgets links and tokens of up to so many sessions that ended before that time. Gives of how many. */
export async function pruneAccess(db: Database, before: Date, limit: number): Promise<number> {
  const ended = db.sql
    .selectFrom('sessions')
    .select('id')
    .where('access_sealed', 'is not', null)
    .where('status', 'in', ['COMPLETED', 'CANCELED', 'EXPIRED'])
    .where(eb => eb(eb.fn.coalesce('completed_at', 'updated_at'), '<', before.getTime()))
    .limit(limit)
  const result = await db.sql
    .updateTable('sessions')
    .set({ access_sealed: null })
    .where('id', 'in', ended)
    .executeTakeFirst()
  return Number(result.numUpdatedRows)
}

/** Whether there is one of these. Every read looks, so this is written as text: building it would cost ten times its run. */
export async function hasOverdueSessions(db: Database, now: Date, tenantId?: string): Promise<boolean> {
  const ofTenant = tenantId === undefined ? sql`` : sql` and tenant_id = ${tenantId}`
  const { rows } = await sql`
    select 1 from sessions
    where status in ('CREATED', 'IN_PROGRESS') and expires_at <= ${now.getTime()} and fetched_at < expires_at${ofTenant}
    limit 1`.execute(db.sql)
  return rows.length > 0
}

/** Sessions that are open and past their time, of one tenant or of all. */
export async function findOverdueSessions(
  db: Database,
  now: Date,
  limit: number,
  tenantId?: string,
): Promise<StoredSession[]> {
  let query = db.sql
    .selectFrom('sessions')
    .selectAll()
    .where('status', 'in', ['CREATED', 'IN_PROGRESS'])
    .where('expires_at', '<=', now.getTime())
    // What the provider said after that time counts, even where it says that the session is still open.
    .whereRef('fetched_at', '<', 'expires_at')
  if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId)
  // In one order, so that two who want the same sessions, and the counters of their tenants, do not wait in a circle.
  const ordered = query.orderBy('tenant_id').orderBy('id').limit(limit)
  return (await ordered.$call(locked(db)).execute()).map(row => toSession(db, row))
}

function filtered<O>(tenantId: string, filter: SessionFilter) {
  return (query: SelectQueryBuilder<Tables, 'sessions', O>) => {
    let narrowed = query.where('tenant_id', '=', tenantId)
    if (filter.provider) narrowed = narrowed.where('provider', 'in', filter.provider)
    if (filter.status) narrowed = narrowed.where('status', 'in', filter.status)
    if (filter.outcome) narrowed = narrowed.where('outcome', 'in', filter.outcome)
    if (filter.externalId != null) narrowed = narrowed.where('external_id', '=', filter.externalId)
    if (filter.applicantId != null) narrowed = narrowed.where('applicant_id', '=', filter.applicantId)
    if (filter.customerId != null) narrowed = narrowed.where('customer_id', '=', filter.customerId)
    if (filter.createdAfter) narrowed = narrowed.where('created_at', '>', filter.createdAfter.getTime())
    if (filter.createdBefore) narrowed = narrowed.where('created_at', '<', filter.createdBefore.getTime())
    return narrowed
  }
}

const EMPTY = {
  external_id: null,
  external_id_pinned: 0,
  provider_status: null,
  redirect_url: null,
  redirect_url_sealed: null,
  details_sealed: null,
  metadata_sealed: null,
  expires_at: null,
  completed_at: null,
  access_sealed: null,
  applicant_id: null,
  customer_id: null,
  applicant_pinned: 0,
  customer_pinned: 0,
  attempts_fetched_at: null,
  next_poll_at: null,
  polls: 0,
  told_at: null,
}

function toColumns(db: Database, change: SessionChange): Partial<SessionRow> {
  return defined({
    status: change.status,
    outcome: change.outcome,
    provider_status: change.providerStatus,
    external_id: change.externalId,
    external_id_pinned: toFlag(change.externalIdPinned),
    redirect_url: change.redirectUrl === undefined ? undefined : null,
    redirect_url_sealed: sealJson(db.vault, change.redirectUrl),
    metadata_sealed: sealJson(db.vault, change.metadata),
    created_at: change.createdAt?.getTime(),
    updated_at: change.updatedAt?.getTime(),
    expires_at: toTime(change.expiresAt),
    completed_at: toTime(change.completedAt),
    access_sealed: sealJson(db.vault, toAccessJson(change.access)),
    applicant_id: change.applicantId,
    customer_id: change.customerId,
    applicant_pinned: toFlag(change.applicantPinned),
    customer_pinned: toFlag(change.customerPinned),
    attempts_fetched_at: change.attemptsFetchedAt?.getTime(),
    fetched_at: change.fetchedAt?.getTime(),
    began_at: change.beganAt?.getTime(),
    source: change.source,
    details: change.details && '{}',
    details_sealed: sealJson(db.vault, change.details),
    next_poll_at: toTime(change.nextPollAt),
    told_at: change.toldAt?.getTime(),
  }) as Partial<SessionRow>
}

function toAccessJson(access: SessionAccess | null | undefined): JsonObject | null | undefined {
  return access && { ...access, expiresAt: access.expiresAt?.toISOString() ?? null }
}

function toSession(db: Database, row: SessionRow): StoredSession {
  const redirectUrl = once(() => row.redirect_url ?? openJson<string>(db.vault, row.redirect_url_sealed))
  const metadata = once(() => openJson<JsonObject>(db.vault, row.metadata_sealed))
  const access = once(() => openAccess(db, row))
  const details = once(() => openDetails(db, row))
  return {
    id: row.id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    provider: row.provider as Provider,
    providerId: row.provider_id,
    status: row.status as SessionStatus,
    outcome: row.outcome as Outcome,
    providerStatus: row.provider_status,
    externalId: row.external_id,
    externalIdPinned: row.external_id_pinned === 1,
    polls: row.polls,
    polled: row.next_poll_at !== null,
    toldAt: toDate(row.told_at),
    livemode: row.livemode === 1,
    get redirectUrl() {
      return redirectUrl()
    },
    get metadata() {
      return metadata()
    },
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
    expiresAt: toDate(row.expires_at),
    completedAt: toDate(row.completed_at),
    get access() {
      return access()
    },
    applicantId: row.applicant_id,
    customerId: row.customer_id,
    applicantPinned: row.applicant_pinned === 1,
    customerPinned: row.customer_pinned === 1,
    attemptsFetchedAt: toDate(row.attempts_fetched_at),
    beganAt: toDate(row.began_at),
    sync: { fetchedAt: toDate(row.fetched_at), stale: false, source: row.source as StatusSource, lastError: null },
    get details() {
      return details()
    },
  }
}

function openAccess(db: Database, row: SessionRow): SessionAccess | null {
  const access = openJson<Omit<SessionAccess, 'expiresAt'> & { expiresAt: string | null }>(db.vault, row.access_sealed)
  return access && { ...access, expiresAt: access.expiresAt ? new Date(access.expiresAt) : null }
}

function openDetails(db: Database, row: SessionRow): Details {
  if (row.details_sealed === null) return parseJson<Details>(row.details)
  return openJson<Details>(db.vault, row.details_sealed) ?? {}
}
