import type { Compilable } from 'kysely'
import { locked } from './dialect.ts'
import { keptQuery } from './kept-query.ts'
import type { Tables } from './tables.ts'

/** How the rows of a noun are found by their ids, and by what their provider calls them. */
export function recordQueries<Table extends 'applicants' | 'customers' | 'sessions'>(table: Table) {
  // All three have the columns that are asked for.
  const of = table as 'sessions'
  type Rows = Compilable<Tables[Table]>
  return {
    byIds: keptQuery<Tables[Table]>((db, tenantId: string, ...ids: string[]) => {
      const query = db.sql.selectFrom(of).selectAll().where('tenant_id', '=', tenantId).where('id', 'in', ids)
      return query.$call(locked(db)) as unknown as Rows
    }),
    byProviderId: keptQuery<Tables[Table]>((db, accountId: string, providerId: string) => {
      const ofAccount = db.sql.selectFrom(of).selectAll().where('account_id', '=', accountId)
      return ofAccount.where('provider_id', '=', providerId).$call(locked(db)) as unknown as Rows
    }),
  }
}
