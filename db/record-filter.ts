import { type SelectQueryBuilder, sql } from 'kysely'
import type { Provider } from '../src/domain/provider.ts'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

/** The filter that applicants and customers share. */
export interface RecordFilter {
  readonly provider?: readonly Provider[] | null
  readonly externalId?: string | null
  readonly email?: string | null
  readonly createdAfter?: Date | null
  readonly createdBefore?: Date | null
}

/** The tenant's records that match. A record known by a link only is not listed. */
export function filteredRecords<O>(db: Database, tenantId: string, filter: RecordFilter) {
  return (query: SelectQueryBuilder<Tables, 'applicants' | 'customers', O>) => {
    let narrowed = query.where('tenant_id', '=', tenantId).where('fetched_at', 'is not', null)
    if (filter.provider) narrowed = narrowed.where('provider', 'in', filter.provider)
    if (filter.externalId != null) narrowed = narrowed.where('external_id', '=', filter.externalId)
    if (filter.email != null) narrowed = narrowed.where('email_index', 'in', db.vault.blindIndexes(filter.email))
    if (filter.createdAfter) narrowed = narrowed.where('created_at', '>', filter.createdAfter.getTime())
    if (filter.createdBefore) narrowed = narrowed.where('created_at', '<', filter.createdBefore.getTime())
    return narrowed
  }
}

export async function countRows(
  db: Database,
  rows: SelectQueryBuilder<Tables, keyof Tables, { id: string }>,
  most: number,
): Promise<number> {
  const result = await db.sql
    .selectFrom(rows.limit(most).as('counted'))
    .select(sql<number | string>`count(*)`.as('count'))
    .executeTakeFirstOrThrow()
  return Number(result.count)
}
