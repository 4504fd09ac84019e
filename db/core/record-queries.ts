import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { Provider } from '../../src/domain/provider.ts'
import type { ApplicantStatus } from '../../src/domain/records/applicant.ts'
import type { Outcome } from '../../src/domain/records/decision.ts'
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
        .where('tenant_id', '=', tenantId)
        .where('id', 'in', ids)
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

/** The conditions that filters of applicants and of customers share. */
export interface RecordFilter {
  readonly providers?: readonly Provider[] | null
  readonly externalId?: string | null
  readonly email?: string | null
  readonly createdAfter?: Date | null
  readonly createdBefore?: Date | null
  readonly updatedAfter?: Date | null
  /** Only applicants have a status and an outcome. */
  readonly statuses?: readonly ApplicantStatus[] | null
  readonly outcomes?: readonly Outcome[] | null
}

/** A condition that an empty list never meets: PostgreSQL rejects `in ()`. */
export function isAnyOf(column: string, values: readonly string[]): RawBuilder<boolean> {
  return values.length === 0 ? sql<boolean>`1 = 0` : sql<boolean>`${sql.ref(column)} in (${sql.join(values)})`
}

/** The tenant's records that match, without records that only a link names. */
export function filterRecords<O>(
  db: Database,
  table: 'applicants' | 'customers',
  tenantId: string,
  filter: RecordFilter,
) {
  return (query: SelectQueryBuilder<Tables, 'applicants' | 'customers', O>) => {
    let narrowed = query.where('tenant_id', '=', tenantId).where('fetched_at', 'is not', null)
    if (filter.providers) narrowed = narrowed.where(isAnyOf('provider', filter.providers))
    if (filter.statuses) narrowed = narrowed.where(isAnyOf('status', filter.statuses))
    if (filter.outcomes) narrowed = narrowed.where(isAnyOf('outcome', filter.outcomes))
    if (filter.externalId != null) narrowed = narrowed.where('external_id', '=', filter.externalId)
    if (filter.email != null) {
      narrowed = narrowed.where('email_index', 'in', db.encryption.blindIndexes(filter.email, { table, tenantId }))
    }
    if (filter.createdAfter) narrowed = narrowed.where('created_at', '>', filter.createdAfter.getTime())
    if (filter.createdBefore) narrowed = narrowed.where('created_at', '<', filter.createdBefore.getTime())
    if (filter.updatedAfter) narrowed = narrowed.where('updated_at', '>', filter.updatedAfter.getTime())
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
