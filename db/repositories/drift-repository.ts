import type { Provider } from '../../src/domain/provider.ts'
import { toDate } from '../core/columns.ts'
import type { Database } from '../core/database.ts'

/** A deviation of an account's responses from their schema, counted over all instances. Without values, which may be personal. */
export interface StoredDrift {
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly operation: string
  readonly grade: string
  readonly path: string
  readonly shape: string | null
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Inserts the deviation, or adds to its count. */
export async function upsertDrift(db: Database, drift: StoredDrift): Promise<void> {
  const { tenantId, accountId, count, firstAt, lastAt, ...same } = drift
  await db.sql
    .insertInto('drift')
    .values({
      ...same,
      tenant_id: tenantId,
      account_id: accountId,
      times: count,
      first_at: firstAt.getTime(),
      last_at: lastAt.getTime(),
    })
    .onConflict(conflict =>
      conflict.columns(['account_id', 'operation', 'grade', 'path']).doUpdateSet(eb => ({
        times: eb('drift.times', '+', eb.ref('excluded.times')),
        shape: eb.fn.coalesce('excluded.shape', 'drift.shape'),
        last_at: eb.ref('excluded.last_at'),
      })),
    )
    .execute()
}

/** The newest first. */
export async function listDrift(db: Database, tenantId: string, limit: number, provider?: Provider) {
  const rows = await db.sql
    .selectFrom('drift')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .$if(provider !== undefined, query => query.where('provider', '=', provider ?? ''))
    .orderBy('last_at', 'desc')
    .orderBy('times', 'desc')
    .limit(limit)
    .execute()
  return rows.map(
    ({ tenant_id, account_id, times, first_at, last_at, ...same }): StoredDrift => ({
      ...same,
      provider: same.provider as Provider,
      tenantId: tenant_id,
      accountId: account_id,
      count: Number(times),
      firstAt: toDate(first_at),
      lastAt: toDate(last_at),
    }),
  )
}

/** Deletes at most `limit` deviations that last occurred before `before`. Returns their number. */
export async function pruneDrift(db: Database, before: Date, limit: number): Promise<number> {
  const old = db.sql.selectFrom('drift').select(KEY).where('last_at', '<', before.getTime()).limit(limit)
  const result = await db.sql
    .deleteFrom('drift')
    .where(({ eb, refTuple }) => eb(refTuple(...KEY), 'in', old.$asTuple(...KEY)))
    // It may occur again while this waits for the row lock.
    .where('last_at', '<', before.getTime())
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

const KEY = ['account_id', 'operation', 'grade', 'path'] as const
