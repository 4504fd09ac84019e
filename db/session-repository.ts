import { type SelectQueryBuilder, sql } from 'kysely'
import type { Outcome } from '../src/domain/outcome.ts'
import type { Provider } from '../src/domain/provider.ts'
import type { Session, SessionStatus } from '../src/domain/session.ts'
import { defined } from './columns.ts'
import type { Database } from './database.ts'
import { keptQuery } from './kept-query.ts'
import { type Bounds, inOrder, type KeysetPage, onPage, perOrder } from './keyset.ts'
import { placeAmong } from './newest.ts'
import { countRows } from './record-filter.ts'
import { recordQueries } from './record-queries.ts'
import {
  EMPTY,
  type NewSession,
  PLAIN_COLUMNS,
  type SessionChange,
  type StoredSession,
  toColumns,
  toPlainSession,
  toSession,
} from './session-columns.ts'
import type { SessionRow, Tables } from './tables.ts'

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

export async function insertSession(db: Database, session: NewSession): Promise<StoredSession> {
  // Spread, so many columns would cost five times as much.
  const row: SessionRow = Object.assign({}, EMPTY, toColumns(db, session) as SessionRow, {
    id: session.id,
    tenant_id: session.tenantId,
    account_id: session.accountId,
    provider: session.provider,
    provider_id: session.providerId,
    livemode: session.livemode ? 1 : 0,
  })
  await INSERT(db, row)
  return toSession(db, row)
}

const INSERT = keptQuery((db, row: SessionRow) => db.sql.insertInto('sessions').values(row))

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

const QUERIES = recordQueries('sessions')

export async function findSessions(db: Database, tenantId: string, ids: readonly string[]): Promise<StoredSession[]> {
  if (ids.length === 0) return []
  return (await QUERIES.byIds(db, tenantId, ...ids)).map(row => toSession(db, row))
}

export async function findSessionByProviderId(
  db: Database,
  accountId: string,
  providerId: string,
): Promise<StoredSession | undefined> {
  const [row] = await QUERIES.byProviderId(db, accountId, providerId)
  return row && toSession(db, row)
}

export async function listSessions(
  db: Database,
  tenantId: string,
  filter: SessionFilter,
  page: KeysetPage,
): Promise<StoredSession[]> {
  const rows = await SELECT_PAGE(page)(db, tenantId, toConditions(filter), toBounds(page))
  return inOrder(rows, page).map(row => toSession(db, row))
}

/** The same without what is sealed. */
export async function listPlainSessions(
  db: Database,
  tenantId: string,
  filter: SessionFilter,
  page: KeysetPage,
): Promise<Session[]> {
  const rows = await SELECT_PLAIN_PAGE(page)(db, tenantId, toConditions(filter), toBounds(page))
  return inOrder(rows, page).map(row => toPlainSession(db, row))
}

const SELECT_PAGE = perOrder(order =>
  keptQuery((db, tenantId: string, conditions: Conditions, bounds: Bounds) =>
    db.sql
      .selectFrom('sessions')
      .selectAll()
      .$call(filtered<SessionRow>(tenantId, conditions))
      .$call(onPage(order, bounds)),
  ),
)

const SELECT_PLAIN_PAGE = perOrder(order =>
  keptQuery((db, tenantId: string, conditions: Conditions, bounds: Bounds) =>
    db.sql
      .selectFrom('sessions')
      .select(PLAIN_COLUMNS)
      .$call(filtered(tenantId, conditions))
      .$call(onPage(order, bounds)),
  ),
)

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
    db.sql
      .selectFrom('sessions')
      .select('id')
      .$call(filtered<{ id: string }>(tenantId, toConditions(filter))),
    most,
  )
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

/** A filter in the columns' values, without what does not narrow. */
interface Conditions {
  readonly provider?: readonly Provider[]
  readonly status?: readonly SessionStatus[]
  readonly outcome?: readonly Outcome[]
  readonly externalId?: string
  readonly applicantId?: string
  readonly customerId?: string
  readonly createdAfter?: number
  readonly createdBefore?: number
}

function toConditions(filter: SessionFilter): Conditions {
  return defined({
    provider: filter.provider ?? undefined,
    status: filter.status ?? undefined,
    outcome: filter.outcome ?? undefined,
    externalId: filter.externalId ?? undefined,
    applicantId: filter.applicantId ?? undefined,
    customerId: filter.customerId ?? undefined,
    createdAfter: filter.createdAfter?.getTime(),
    createdBefore: filter.createdBefore?.getTime(),
  })
}

function toBounds({ after, before, limit }: KeysetPage): Bounds {
  return defined({ after, before, limit })
}

function filtered<O>(tenantId: string, filter: Conditions) {
  return (query: SelectQueryBuilder<Tables, 'sessions', O>) => {
    let narrowed = query.where('tenant_id', '=', tenantId)
    if (filter.provider) narrowed = narrowed.where('provider', 'in', filter.provider)
    if (filter.status) narrowed = narrowed.where('status', 'in', filter.status)
    if (filter.outcome) narrowed = narrowed.where('outcome', 'in', filter.outcome)
    if (filter.externalId !== undefined) narrowed = narrowed.where('external_id', '=', filter.externalId)
    if (filter.applicantId !== undefined) narrowed = narrowed.where('applicant_id', '=', filter.applicantId)
    if (filter.customerId !== undefined) narrowed = narrowed.where('customer_id', '=', filter.customerId)
    if (filter.createdAfter !== undefined) narrowed = narrowed.where('created_at', '>', filter.createdAfter)
    if (filter.createdBefore !== undefined) narrowed = narrowed.where('created_at', '<', filter.createdBefore)
    return narrowed
  }
}
