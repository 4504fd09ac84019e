import { sql } from 'kysely'
import type { Provider } from '../../src/domain/provider.ts'
import type { Outcome } from '../../src/domain/records/decision.ts'
import type { OperationState } from '../../src/domain/records/operation.ts'
import type { SessionStatus } from '../../src/domain/records/session.ts'
import { toDate } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import type { DeliveryState } from './webhook-repository.ts'

/** Counts and lists of one tenant for operators. They are bounded and have no personal data. */

/** The rows that one count reads at most. */
export const MAX_SCANNED = 50_000

const DAY_MS = 86_400_000

/** The number of a day's sessions with one provider, status and outcome. */
export interface SessionGroup {
  readonly provider: Provider
  readonly status: SessionStatus
  readonly outcome: Outcome
  /** 00:00 UTC. */
  readonly day: Date
  readonly count: number
}

/** Counts the newest sessions since `since` by day, provider, status and outcome. */
export async function countSessionGroups(db: Database, tenantId: string, since: Date): Promise<SessionGroup[]> {
  const day = sql<number>`created_at - created_at % ${sql.lit(DAY_MS)}`
  const rows = await db.sql
    .selectFrom(newest(db, tenantId, since).as('newest'))
    .select(['provider', 'status', 'outcome', day.as('day'), eb => eb.fn.countAll().as('count')])
    .groupBy(['provider', 'status', 'outcome', day])
    .execute()
  return rows.map(row => ({ ...named(row), day: new Date(Number(row.day)), count: Number(row.count) }))
}

/** A session without personal data, except the caller's id of its user. */
export interface SessionSummary {
  readonly id: string
  readonly provider: Provider
  readonly providerId: string
  readonly status: SessionStatus
  readonly outcome: Outcome
  readonly providerStatus: string | null
  readonly externalId: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface SessionRowFilter {
  readonly provider?: string
  readonly status?: string
  readonly outcome?: string
}

/** The newest sessions since `since` that match. */
export async function listSessionRows(
  db: Database,
  tenantId: string,
  { provider, status, outcome }: SessionRowFilter,
  { since, limit }: { readonly since: Date; readonly limit: number },
): Promise<SessionSummary[]> {
  let ids = db.sql.selectFrom(newest(db, tenantId, since).as('newest')).select('id')
  if (provider !== undefined) ids = ids.where('provider', '=', provider)
  if (status !== undefined) ids = ids.where('status', '=', status)
  if (outcome !== undefined) ids = ids.where('outcome', '=', outcome)
  const found = ids.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit)
  const rows = await selectSessions(db)
    .where('id', 'in', found)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  return rows.map(toSessionRow)
}

/** The newest sessions with this external id. */
export async function findSessionRows(
  db: Database,
  tenantId: string,
  externalId: string,
  limit: number,
): Promise<SessionSummary[]> {
  const rows = await selectSessions(db)
    .where('tenant_id', '=', tenantId)
    .where('external_id', '=', externalId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(toSessionRow)
}

/** An applicant or a customer without personal data. */
export interface RecordSummary {
  readonly id: string
  readonly provider: Provider
  readonly providerId: string
  readonly createdAt: Date
}

/** The newest applicants or customers with this external id. */
export async function findRecordRows(
  db: Database,
  table: 'applicants' | 'customers',
  { tenantId, externalId, limit }: { readonly tenantId: string; readonly externalId: string; readonly limit: number },
): Promise<RecordSummary[]> {
  const rows = await db.sql
    .selectFrom(table)
    .select(['id', 'provider', 'provider_id', 'created_at'])
    .where('tenant_id', '=', tenantId)
    .where('external_id', '=', externalId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(row => ({
    id: row.id,
    provider: row.provider as Provider,
    providerId: row.provider_id,
    createdAt: toDate(row.created_at),
  }))
}

export async function findSessionRow(db: Database, tenantId: string, id: string): Promise<SessionSummary | undefined> {
  const row = await selectSessions(db).where('tenant_id', '=', tenantId).where('id', '=', id).executeTakeFirst()
  return row && toSessionRow(row)
}

/** The ids of the tenant's creates of unknown outcome, the newest first. */
export async function listUnknownOperations(db: Database, tenantId: string, limit: number): Promise<string[]> {
  const state: OperationState = 'UNKNOWN'
  const rows = await db.sql
    .selectFrom('operations')
    .select('id')
    .where('tenant_id', '=', tenantId)
    // A literal, because the partial index does not match a parameter.
    .where('state', '=', sql.lit(state))
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** A delivery without its content. */
export interface DeliverySummary {
  readonly id: string
  readonly provider: Provider
  readonly event: string | null
  readonly state: DeliveryState
  readonly attempts: number
  readonly receivedAt: Date
  readonly appliedAt: Date | null
}

/** The tenant's newest deliveries, or those in `state`. */
export async function listDeliveryRows(
  db: Database,
  tenantId: string,
  { state, limit }: { readonly state?: Exclude<DeliveryState, 'APPLIED'>; readonly limit: number },
): Promise<DeliverySummary[]> {
  let query = db.sql
    .selectFrom('deliveries')
    .select(['id', 'provider', 'event', 'state', 'attempts', 'received_at', 'applied_at'])
    .where('tenant_id', '=', tenantId)
    .orderBy('received_at', 'desc')
    .limit(limit)
  // The first condition is that of the partial index.
  if (state) query = query.where('state', '<>', sql.lit('APPLIED')).where('state', '=', state)
  return (await query.execute()).map(row => ({
    id: row.id,
    provider: row.provider as Provider,
    event: row.event,
    state: row.state as DeliveryState,
    attempts: row.attempts,
    receivedAt: toDate(row.received_at),
    appliedAt: row.applied_at === null ? null : toDate(row.applied_at),
  }))
}

export interface OpenDeliveries {
  readonly waiting: number
  readonly quarantined: number
  readonly oldestWaiting: Date | null
}

/** Counts the tenant's deliveries that are not applied. */
export async function countOpenDeliveries(db: Database, tenantId: string): Promise<OpenDeliveries> {
  const open = db.sql
    .selectFrom('deliveries')
    .select(['state', 'received_at'])
    .where('tenant_id', '=', tenantId)
    .where('state', '<>', sql.lit('APPLIED'))
    .orderBy('received_at')
    .limit(MAX_SCANNED)
  const rows = await db.sql
    .selectFrom(open.as('open'))
    .select(['state', eb => eb.fn.countAll().as('count'), eb => eb.fn.min('received_at').as('oldest')])
    .groupBy('state')
    .execute()
  const of = (state: string) => rows.find(row => row.state === state)
  const oldest = of('STORED')?.oldest
  return {
    waiting: Number(of('STORED')?.count ?? 0),
    quarantined: Number(of('QUARANTINED')?.count ?? 0),
    oldestWaiting: oldest == null ? null : new Date(Number(oldest)),
  }
}

/** The calls at a provider in the step that begins `at`, of all instances. */
export interface HealthStep {
  readonly provider: Provider
  readonly at: Date
  readonly calls: number
  readonly failures: number
  /** The mean of the minutes' medians, weighted by calls. */
  readonly p50Ms: number | null
  /** The maximum of the minutes. */
  readonly p95Ms: number | null
  /** The worst state of the circuit: 0 closed, 1 half open, 2 open. */
  readonly circuit: 0 | 1 | 2
}

/** The oldest first. */
export async function listHealthSteps(
  db: Database,
  tenantId: string,
  { since, stepMs }: { readonly since: Date; readonly stepMs: number },
): Promise<HealthStep[]> {
  const at = sql<number>`at - at % ${sql.lit(stepMs)}`
  const minutes = db.sql
    .selectFrom('provider_stats')
    .select(['provider', 'at', 'calls', 'failures', 'p50_ms', 'p95_ms', 'circuit'])
    .where('tenant_id', '=', tenantId)
    .where('at', '>=', since.getTime())
    .orderBy('at', 'desc')
    .limit(MAX_SCANNED)
  const rows = await db.sql
    .selectFrom(minutes.as('minutes'))
    .select([
      'provider',
      at.as('step'),
      eb => eb.fn.sum('calls').as('calls'),
      eb => eb.fn.sum('failures').as('failures'),
      eb => eb.fn.max('p95_ms').as('p95'),
      sql<number | null>`sum(p50_ms * calls) / nullif(sum(case when p50_ms is null then 0 else calls end), 0)`.as(
        'p50',
      ),
      sql<number>`max(case circuit when 'OPEN' then 2 when 'HALF_OPEN' then 1 else 0 end)`.as('worst'),
    ])
    .groupBy(['provider', at])
    .orderBy('step')
    .execute()
  return rows.map(row => ({
    provider: row.provider as Provider,
    at: new Date(Number(row.step)),
    calls: Number(row.calls),
    failures: Number(row.failures),
    p50Ms: row.p50 === null ? null : Math.round(Number(row.p50)),
    p95Ms: row.p95 === null ? null : Number(row.p95),
    circuit: Number(row.worst) as 0 | 1 | 2,
  }))
}

/** The columns of the covering index. */
function newest({ sql: from }: Database, tenantId: string, since: Date) {
  return from
    .selectFrom('sessions')
    .select(['id', 'provider', 'status', 'outcome', 'created_at'])
    .where('tenant_id', '=', tenantId)
    .where('created_at', '>=', since.getTime())
    .orderBy('created_at', 'desc')
    .limit(MAX_SCANNED)
}

function selectSessions({ sql: from }: Database) {
  return from
    .selectFrom('sessions')
    .select([
      'id',
      'provider',
      'provider_id',
      'status',
      'outcome',
      'provider_status',
      'external_id',
      'created_at',
      'updated_at',
    ])
}

type SelectedRow = Awaited<ReturnType<ReturnType<typeof selectSessions>['execute']>>[number]

function toSessionRow(row: SelectedRow): SessionSummary {
  return {
    id: row.id,
    ...named(row),
    providerId: row.provider_id,
    providerStatus: row.provider_status,
    externalId: row.external_id,
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
  }
}

/** Repositories write only members of these unions. */
function named({ provider, status, outcome }: { provider: string; status: string; outcome: string }) {
  return { provider: provider as Provider, status: status as SessionStatus, outcome: outcome as Outcome }
}
