import type { Provider } from '../../src/domain/provider.ts'
import { toDate } from '../core/columns.ts'
import type { Database } from '../core/database.ts'

/** The calls of one account in one minute, as one instance measured them. */
export interface StoredMinute {
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly at: Date
  readonly instance: string
  readonly calls: number
  readonly failures: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly circuit: string
}

/** Inserts minutes, or adds to a minute that was written before its end. */
export async function insertMinutes(db: Database, minutes: readonly StoredMinute[]): Promise<void> {
  if (minutes.length === 0) return
  await db.sql
    .insertInto('provider_stats')
    .values(minutes.map(toRow))
    .onConflict(conflict =>
      conflict.columns(['account_id', 'at', 'instance']).doUpdateSet(eb => ({
        calls: eb('provider_stats.calls', '+', eb.ref('excluded.calls')),
        failures: eb('provider_stats.failures', '+', eb.ref('excluded.failures')),
        p50_ms: eb.ref('excluded.p50_ms'),
        p95_ms: eb.ref('excluded.p95_ms'),
        circuit: eb.ref('excluded.circuit'),
      })),
    )
    .execute()
}

/** The oldest first. */
export async function listMinutes(db: Database, tenantId: string, since: Date): Promise<StoredMinute[]> {
  const rows = await db.sql
    .selectFrom('provider_stats')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('at', '>=', since.getTime())
    .orderBy('at')
    .orderBy('account_id')
    .execute()
  return rows.map(({ tenant_id, account_id, p50_ms, p95_ms, at, ...same }) => ({
    ...same,
    provider: same.provider as Provider,
    tenantId: tenant_id,
    accountId: account_id,
    at: toDate(at),
    p50Ms: p50_ms,
    p95Ms: p95_ms,
  }))
}

/** Deletes at most `limit` minutes before `before`. Returns their number. */
export async function pruneMinutes(db: Database, before: Date, limit: number): Promise<number> {
  const old = db.sql.selectFrom('provider_stats').select(KEY).where('at', '<', before.getTime()).limit(limit)
  const result = await db.sql
    .deleteFrom('provider_stats')
    .where(({ eb, refTuple }) => eb(refTuple(...KEY), 'in', old.$asTuple(...KEY)))
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

const KEY = ['account_id', 'at', 'instance'] as const

function toRow({ tenantId, accountId, at, p50Ms, p95Ms, ...same }: StoredMinute) {
  return {
    ...same,
    tenant_id: tenantId,
    account_id: accountId,
    at: at.getTime(),
    p50_ms: p50Ms === null ? null : Math.round(p50Ms),
    p95_ms: p95Ms === null ? null : Math.round(p95Ms),
  }
}
