import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { Provider } from '../../src/domain/provider.ts'
import type { ApplicantStatus } from '../../src/domain/records/applicant.ts'
import type { Outcome } from '../../src/domain/records/decision.ts'
import { omitUndefined } from './columns.ts'
import type { Database } from './database.ts'
import { forUpdate } from './dialect.ts'
import { prepareQuery } from './prepared-query.ts'
import type { Tables } from './tables.ts'

type RecordTable = 'applicants' | 'customers' | 'sessions'

/** Queries by our ids, and by the provider's. */
export function recordQueries<Table extends RecordTable>(table: Table) {
  const all: RecordTable = table
  return {
    byIds: prepareQuery((db, tenantId: string, ...ids: string[]) =>
      db.sql
        .selectFrom(all)
        .selectAll()
        .where('id', 'in', ids)
        .where(isOfTenant(tenantId))
        .$call(forUpdate(db))
        .$castTo<Tables[Table]>(),
    ),
    byProviderId: prepareQuery((db, accountId: string, providerId: string) =>
      db.sql
        .selectFrom(all)
        .selectAll()
        .where('account_id', '=', accountId)
        .where('provider_id', '=', providerId)
        .$call(forUpdate(db))
        .$castTo<Tables[Table]>(),
    ),
  }
}

/** The part of a filter that sessions, applicants and customers have. */
export interface SharedFilter<Status> {
  readonly providers?: readonly Provider[] | null
  readonly statuses?: readonly Status[] | null
  readonly outcomes?: readonly Outcome[] | null
  readonly externalId?: string | null
  readonly createdAfter?: Date | null
  readonly createdBefore?: Date | null
  readonly updatedAfter?: Date | null
}

/** The filter of applicants and of customers. Only applicants have a status and an outcome. */
export interface RecordFilter extends SharedFilter<ApplicantStatus> {
  readonly email?: string | null
}

/**
 * For rows that other conditions name. It cannot use an index: SQLite has no statistics, and for a list of ids it would search
 * all rows of the tenant.
 */
export function isOfTenant(tenantId: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref('tenant_id')} || '' = ${tenantId}`
}

/** A condition that an empty list never meets: PostgreSQL rejects `in ()`. */
export function isAnyOf(column: string, values: readonly string[]): RawBuilder<boolean> {
  return values.length === 0 ? sql<boolean>`1 = 0` : sql<boolean>`${sql.ref(column)} in (${sql.join(values)})`
}

/** A filter in column values, without empty conditions. */
export interface SharedConditions<Status> {
  readonly providers?: readonly Provider[]
  readonly statuses?: readonly Status[]
  readonly outcomes?: readonly Outcome[]
  readonly externalId?: string
  readonly createdAfter?: number
  readonly createdBefore?: number
  readonly updatedAfter?: number
}

export interface RecordConditions extends SharedConditions<ApplicantStatus> {
  /** The indexes that the e-mail address may have, under each key. */
  readonly emailIndexes?: readonly string[]
}

export function toRecordConditions(
  { encryption }: Database,
  place: { readonly table: 'applicants' | 'customers'; readonly tenantId: string },
  filter: RecordFilter,
): RecordConditions {
  const emailIndexes = filter.email == null ? undefined : encryption.blindIndexes(filter.email, place)
  return omitUndefined({ ...toSharedConditions(filter), emailIndexes })
}

/** In column values; undefined for an empty condition. */
export function toSharedConditions<Status>(filter: SharedFilter<Status>) {
  return {
    providers: filter.providers ?? undefined,
    statuses: filter.statuses ?? undefined,
    outcomes: filter.outcomes ?? undefined,
    externalId: filter.externalId ?? undefined,
    createdAfter: filter.createdAfter?.getTime(),
    createdBefore: filter.createdBefore?.getTime(),
    updatedAfter: filter.updatedAfter?.getTime(),
  }
}

/** The tenant's records that match, without records that only a link names. */
export function filterRecords<O>(tenantId: string, conditions: RecordConditions) {
  return (query: SelectQueryBuilder<Tables, 'applicants' | 'customers', O>) => {
    const { createdAfter, createdBefore, emailIndexes, externalId, outcomes, providers, statuses, updatedAfter } =
      conditions
    let narrowed = query.where('tenant_id', '=', tenantId).where('fetched_at', 'is not', null)
    if (providers) narrowed = narrowed.where(isAnyOf('provider', providers))
    if (statuses) narrowed = narrowed.where(isAnyOf('status', statuses))
    if (outcomes) narrowed = narrowed.where(isAnyOf('outcome', outcomes))
    if (externalId !== undefined) narrowed = narrowed.where('external_id', '=', externalId)
    if (emailIndexes) narrowed = narrowed.where(isAnyOf('email_index', emailIndexes))
    if (createdAfter !== undefined) narrowed = narrowed.where('created_at', '>', createdAfter)
    if (createdBefore !== undefined) narrowed = narrowed.where('created_at', '<', createdBefore)
    if (updatedAfter !== undefined) narrowed = narrowed.where('updated_at', '>', updatedAfter)
    return narrowed
  }
}

/** How many rows the query selects, counted up to `limit`. */
export async function countRows(
  db: Database,
  rows: SelectQueryBuilder<Tables, keyof Tables, { id: string }>,
  limit: number,
): Promise<number> {
  const result = await db.sql
    .selectFrom(rows.limit(limit).as('counted'))
    .select(sql<number | string>`count(*)`.as('count'))
    .executeTakeFirstOrThrow()
  return Number(result.count)
}
