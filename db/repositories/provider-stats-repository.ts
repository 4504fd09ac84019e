import { parseHistogram, serializeHistogram } from '../../src/domain/latency-histogram.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { FailureCounts } from '../../src/domain/provider-failure.ts'
import { toDate } from '../core/columns.ts'
import type { Database } from '../core/database.ts'

/** The calls of one account in one minute, as one instance measured them. A minute may have several parts. */
export interface StoredMinute {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly at: Date
  readonly instance: string
  readonly calls: number
  readonly failures: FailureCounts
  readonly latencies: ReadonlyMap<number, number>
  readonly circuit: string
}

export async function insertMinutes(db: Database, minutes: readonly StoredMinute[]): Promise<void> {
  if (minutes.length === 0) return
  await db.sql.insertInto('provider_stats').values(minutes.map(toRow)).execute()
}

/** Where a page of minutes begins. */
export interface MinuteCursor {
  readonly at: number
  readonly id: string
}

/** The newest minutes since `since` first, at most `limit`, after `cursor`. */
export async function listMinutes(
  db: Database,
  tenantId: string,
  since: Date,
  limit: number,
  cursor?: MinuteCursor,
): Promise<StoredMinute[]> {
  let query = db.sql
    .selectFrom('provider_stats')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('at', '>=', since.getTime())
  if (cursor) {
    const { at, id } = cursor
    query = query.where('at', '<=', at).where(eb => eb.or([eb('at', '<', at), eb('id', '<', id)]))
  }
  const rows = await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit).execute()
  return rows.map(({ tenant_id, account_id, at, failures, latencies, ...same }) => ({
    ...same,
    provider: same.provider as Provider,
    tenantId: tenant_id,
    accountId: account_id,
    at: toDate(at),
    failures: JSON.parse(failures) as FailureCounts,
    latencies: parseHistogram(latencies),
  }))
}

/** Deletes at most `limit` minutes before `before`. Returns their number. */
export async function pruneMinutes(db: Database, before: Date, limit: number): Promise<number> {
  const old = db.sql.selectFrom('provider_stats').select('id').where('at', '<', before.getTime()).limit(limit)
  const result = await db.sql.deleteFrom('provider_stats').where('id', 'in', old).executeTakeFirst()
  return Number(result.numDeletedRows)
}

function toRow({ tenantId, accountId, at, failures, latencies, ...same }: StoredMinute) {
  return {
    ...same,
    tenant_id: tenantId,
    account_id: accountId,
    at: at.getTime(),
    failures: JSON.stringify(failures),
    latencies: serializeHistogram(latencies),
  }
}
