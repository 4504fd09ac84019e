import type { ExpressionBuilder, SelectQueryBuilder } from 'kysely'
import type { Provider } from '../../src/domain/provider.ts'
import type { Session, SessionStatus } from '../../src/domain/records/session.ts'
import { inBatches } from '../core/batches.ts'
import { omitUndefined, type TenantOwnedRow, toFlag } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { forUpdate } from '../core/dialect.ts'
import { type FilteredPage, type KeysetPage, rowNumberPerPartition } from '../core/keyset.ts'
import { type PageOf, pageQueries } from '../core/page-queries.ts'
import { prepareQuery } from '../core/prepared-query.ts'
import {
  countRows,
  isAnyOf,
  isOfTenant,
  recordQueries,
  type SharedConditions,
  type SharedFilter,
  toSharedConditions,
} from '../core/record-queries.ts'
import { withRevision } from '../core/revision.ts'
import type { SessionRow, Tables } from '../core/tables.ts'
import {
  type NewSession,
  ROW_DEFAULTS,
  type SessionChange,
  type StoredSession,
  toColumns,
  toStoredSession,
  toUnencryptedSession,
  UNENCRYPTED_COLUMNS,
} from './session-columns.ts'

export interface SessionFilter extends SharedFilter<SessionStatus> {
  readonly applicantId?: string | null
  readonly customerId?: string | null
}

export async function insertSession(db: Database, session: NewSession): Promise<StoredSession> {
  // Object.assign costs a fifth of a spread of so many columns.
  const row: SessionRow = Object.assign({}, ROW_DEFAULTS, toColumns(db, session, session) as SessionRow, {
    id: session.id,
    tenant_id: session.tenantId,
    account_id: session.accountId,
    provider: session.provider,
    provider_id: session.providerId,
    test_mode: session.testMode ? 1 : 0,
  })
  await INSERT(db, row)
  return toStoredSession(db, row)
}

const INSERT = prepareQuery((db, row: SessionRow) => db.sql.insertInto('sessions').values(row))

/** False where the session does not have the given status: then nothing changed. */
export async function updateSession(
  db: Database,
  session: TenantOwnedRow,
  change: SessionChange,
  status?: SessionStatus,
): Promise<boolean> {
  const columns = toColumns(db, session, change)
  if (Object.keys(columns).length === 0 && !status) return true
  let query = db.sql
    .updateTable('sessions')
    .set(withRevision(columns))
    .where('tenant_id', '=', session.tenantId)
    .where('id', '=', session.id)
  if (status) query = query.where('status', '=', status)
  const result = await query.executeTakeFirst()
  return result.numUpdatedRows > 0n
}

const QUERIES = recordQueries('sessions')

export async function findSessions(db: Database, tenantId: string, ids: readonly string[]): Promise<StoredSession[]> {
  if (ids.length === 0) return []
  return (await QUERIES.byIds(db, tenantId, ...ids)).map(row => toStoredSession(db, row))
}

export async function findSessionByProviderId(
  db: Database,
  accountId: string,
  providerId: string,
): Promise<StoredSession | undefined> {
  const [row] = await QUERIES.byProviderId(db, accountId, providerId)
  return row && toStoredSession(db, row)
}

export async function listSessions(
  db: Database,
  tenantId: string,
  filter: SessionFilter,
  page: KeysetPage,
): Promise<StoredSession[]> {
  const rows = await PAGES.selectPage(db, tenantId, { conditions: toConditions(filter), page })
  return rows.map(row => toStoredSession(db, row))
}

/** The same without the encrypted columns. */
export async function listSessionsWithoutEncrypted(
  db: Database,
  tenantId: string,
  filter: SessionFilter,
  page: KeysetPage,
): Promise<Session[]> {
  const rows = await UNENCRYPTED_PAGES.selectPage(db, tenantId, { conditions: toConditions(filter), page })
  return rows.map(row => toUnencryptedSession(db, row))
}

/** Several lists in one statement. */
export async function listManySessions(
  db: Database,
  tenantId: string,
  lists: readonly FilteredPage<SessionFilter>[],
): Promise<StoredSession[][]> {
  const pages = await PAGES.selectPages(db, tenantId, lists.map(toPageOf))
  return pages.map(rows => rows.map(row => toStoredSession(db, row)))
}

/** The same without the encrypted columns. */
export async function listManySessionsWithoutEncrypted(
  db: Database,
  tenantId: string,
  lists: readonly FilteredPage<SessionFilter>[],
): Promise<Session[][]> {
  const pages = await UNENCRYPTED_PAGES.selectPages(db, tenantId, lists.map(toPageOf))
  return pages.map(rows => rows.map(row => toUnencryptedSession(db, row)))
}

function toPageOf({ filter, page }: FilteredPage<SessionFilter>): PageOf<Conditions> {
  return { conditions: toConditions(filter), page }
}

const PAGES = pageQueries((db, tenantId, conditions: Conditions) =>
  db.sql.selectFrom('sessions').selectAll().$call(filtered<SessionRow>(tenantId, conditions)),
)

const UNENCRYPTED_PAGES = pageQueries((db, tenantId, conditions: Conditions) =>
  db.sql.selectFrom('sessions').select(UNENCRYPTED_COLUMNS).$call(filtered(tenantId, conditions)),
)

/** The newest sessions of each external id, provider, status and outcome, at most `limit` of each. */
export async function listNewestSessionsOfPersons(
  db: Database,
  tenantId: string,
  externalIds: readonly string[],
  limit: number,
): Promise<StoredSession[]> {
  if (externalIds.length === 0) return []
  return (await SELECT_NEWEST(db, tenantId, limit, ...externalIds)).map(row => toStoredSession(db, row))
}

/** Ranks ids alone: a window over whole rows copies them. */
const SELECT_NEWEST = prepareQuery((db, tenantId: string, limit: number, ...externalIds: string[]) => {
  const ranked = db.sql
    .selectFrom('sessions')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('external_id', 'in', externalIds)
    // With it SQLite takes the index of the external id, not one in the order of the partition, which has all sessions.
    .where('created_at', '>=', 0)
    .select(rowNumberPerPartition('external_id', 'provider', 'status', 'outcome'))
  const newest = db.sql.selectFrom(ranked.as('ranked')).select('id').where('rank', '<=', limit)
  return db.sql.selectFrom('sessions').selectAll().where('id', 'in', newest).where(isOfTenant(tenantId))
})

/** The owner and the links of a session. */
export interface OwnedSession {
  readonly id: string
  readonly tenantId: string
  readonly provider: Provider
  readonly externalId: string | null
  readonly externalIdPinned: boolean
  readonly applicantId: string | null
  readonly customerId: string | null
}

/** The sessions that a read of linked sessions returns at most. */
export const MAX_LINKED_SESSIONS = 500

/** True if more sessions than `max` link to an applicant or a customer. */
export async function hasMoreLinkedSessions(
  db: Database,
  tenantId: string,
  { column, id }: LinkColumn,
  max: number,
): Promise<boolean> {
  const query = db.sql.selectFrom('sessions').select('id').where('tenant_id', '=', tenantId).where(column, '=', id)
  return (await query.offset(max).limit(1).executeTakeFirst()) !== undefined
}

/** The column by which sessions link to a record, and the record's id. */
export interface LinkColumn {
  readonly column: 'applicant_id' | 'customer_id'
  readonly id: string
}

/**
 * The next sessions that link to an applicant or a customer, after the session `after`, in lock order. Without those whose owner
 * the caller or a contradiction removed: they stay without one.
 */
export async function listLinkedSessions(
  db: Database,
  tenantId: string,
  { column, id }: LinkColumn,
  after: string,
): Promise<OwnedSession[]> {
  const query = db.sql
    .selectFrom('sessions')
    .select(['id', 'provider', 'external_id', 'external_id_pinned', 'applicant_id', 'customer_id'])
    .where('tenant_id', '=', tenantId)
    .where(column, '=', id)
    .where(eb => eb.or([eb('external_id_pinned', '=', 0), eb('external_id', 'is not', null)]))
    .where('id', '>', after)
    .orderBy('id')
    .limit(MAX_LINKED_SESSIONS)
  return (await query.$call(forUpdate(db)).execute()).map(row => ({
    id: row.id,
    tenantId,
    provider: row.provider as Provider,
    externalId: row.external_id,
    externalIdPinned: row.external_id_pinned === 1,
    applicantId: row.applicant_id,
    customerId: row.customer_id,
  }))
}

/** Sets the external id of these sessions, and when they changed. */
export async function updateSessions(
  db: Database,
  ids: readonly string[],
  { externalId, externalIdPinned, updatedAt }: Pick<SessionChange, 'externalId' | 'externalIdPinned' | 'updatedAt'>,
): Promise<void> {
  const columns = omitUndefined({
    external_id: externalId,
    external_id_pinned: toFlag(externalIdPinned),
    updated_at: updatedAt?.getTime(),
  })
  await inBatches(ids, batch =>
    db.sql.updateTable('sessions').set(withRevision(columns)).where('id', 'in', batch).execute(),
  )
}

/** How many sessions match, counted up to `limit`. */
export function countSessions(db: Database, tenantId: string, filter: SessionFilter, limit: number): Promise<number> {
  const matching = db.sql.selectFrom('sessions').$call(filtered(tenantId, toConditions(filter)))
  return countRows(db, matching.select('id'), limit)
}

/** Deletes the links and tokens of at most `limit` sessions that ended before `before`. Returns their number. */
export async function pruneAccess(db: Database, before: Date, limit: number): Promise<number> {
  const hasEnded = (eb: ExpressionBuilder<Tables, 'sessions'>) =>
    eb.and([
      eb('access_encrypted', 'is not', null),
      eb('status', 'in', ['COMPLETED', 'CANCELED', 'EXPIRED']),
      eb(eb.fn.coalesce('completed_at', 'updated_at'), '<', before.getTime()),
    ])
  const ended = db.sql.selectFrom('sessions').select('id').where(hasEnded).limit(limit)
  // A session may be reopened while this waits for its row lock, so the condition is checked again.
  const result = await db.sql
    .updateTable('sessions')
    .set(withRevision({ access_encrypted: null }))
    .where('id', 'in', ended)
    .where(hasEnded)
    .executeTakeFirst()
  return Number(result.numUpdatedRows)
}

interface Conditions extends SharedConditions<SessionStatus> {
  readonly applicantId?: string
  readonly customerId?: string
}

function toConditions(filter: SessionFilter): Conditions {
  const { applicantId, customerId } = filter
  return omitUndefined({
    ...toSharedConditions(filter),
    applicantId: applicantId ?? undefined,
    customerId: customerId ?? undefined,
  })
}

function filtered<O>(tenantId: string, filter: Conditions) {
  return (query: SelectQueryBuilder<Tables, 'sessions', O>) => {
    let narrowed = query.where('tenant_id', '=', tenantId)
    if (filter.providers) narrowed = narrowed.where(isAnyOf('provider', filter.providers))
    if (filter.statuses) narrowed = narrowed.where(isAnyOf('status', filter.statuses))
    if (filter.outcomes) narrowed = narrowed.where(isAnyOf('outcome', filter.outcomes))
    if (filter.externalId !== undefined) narrowed = narrowed.where('external_id', '=', filter.externalId)
    if (filter.applicantId !== undefined) narrowed = narrowed.where('applicant_id', '=', filter.applicantId)
    if (filter.customerId !== undefined) narrowed = narrowed.where('customer_id', '=', filter.customerId)
    if (filter.createdAfter !== undefined) narrowed = narrowed.where('created_at', '>', filter.createdAfter)
    if (filter.createdBefore !== undefined) narrowed = narrowed.where('created_at', '<', filter.createdBefore)
    if (filter.updatedAfter !== undefined) narrowed = narrowed.where('updated_at', '>', filter.updatedAfter)
    return narrowed
  }
}
