import {
  countLateWork,
  countOpenDeliveries,
  listDeliveryRows,
  listUnknownOperations,
} from '../../db/repositories/admin-repository.ts'
import { PROVIDERS } from '../domain/provider.ts'
import { toOperationRow } from './creates.ts'
import { toDriftRow } from './drift.ts'
import type { AdminDeps, AdminHandler, Operator } from './handler.ts'
import { toInfo } from './health.ts'
import { toCredentials } from './providers.ts'
import { toDeliveryRow } from './webhooks.ts'

const MAX_OPERATIONS = 100
const MAX_SHOWN = 20
const MAX_DRIFT = 200
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DRIFT_MS = 24 * HOUR_MS
/** A delivery, a poll or a search is late after this. */
const LATE_MS = 5 * MINUTE_MS
/** A create whose provider can be searched is settled within minutes. */
const LONG_UNKNOWN_MS = HOUR_MS

/** What needs an operator now. Each part is bounded; what the operator may not read is counted only. */
export const showAttention: AdminHandler = async (deps, operator) => {
  const at = deps.now()
  const [creates, deliveries, drift, providers, late] = await Promise.all([
    findCreates(deps, operator, at),
    findDeliveries(deps, operator, at),
    findDrift(deps, operator, at),
    findProviders(deps, operator, at),
    countLateWork(deps.db, operator.tenantId, new Date(at.getTime() - LATE_MS)),
  ])
  return { asOf: at, creates, deliveries, drift, providers, late: { ...late, afterMs: LATE_MS } }
}

/** Creates that nothing settles, and creates whose search has no result for long. */
async function findCreates({ db, services }: AdminDeps, operator: Operator, now: Date) {
  const ids = await listUnknownOperations(db, operator.tenantId, MAX_OPERATIONS)
  const found = (await services.operations.findMany(operator, ids)).filter(one => one !== undefined)
  const rows = await Promise.all(found.map(operation => toOperationRow(services, operation)))
  const stuck = rows.filter(({ settlesItself }) => !settlesItself)
  const slow = rows.filter(row => row.settlesItself && now.getTime() - row.createdAt.getTime() > LONG_UNKNOWN_MS)
  const mayRead = [...operator.scopes].some(scope => /^(?:sessions|applicants|customers):/.test(scope))
  return {
    stuck: stuck.length,
    slow: slow.length,
    /** All that the server still looks for, the slow ones included. */
    searching: rows.length - stuck.length,
    cut: ids.length === MAX_OPERATIONS,
    rows: mayRead ? stuck.slice(0, MAX_SHOWN) : [],
  }
}

async function findDeliveries({ db }: AdminDeps, { tenantId }: Operator, now: Date) {
  const { quarantined, waiting, oldestWaiting } = await countOpenDeliveries(db, tenantId)
  const waitingMs = oldestWaiting ? Math.max(0, now.getTime() - oldestWaiting.getTime()) : 0
  const rows = await listDeliveryRows(db, tenantId, { state: 'QUARANTINED', limit: MAX_SHOWN })
  return { quarantined, waiting, waitingMs, late: waitingMs > LATE_MS, rows: rows.map(row => toDeliveryRow(row)) }
}

/** Responses of the last day that could not be used. */
async function findDrift({ services }: AdminDeps, operator: Operator, now: Date) {
  const drift = await services.providerStats.drift(operator, MAX_DRIFT)
  const since = now.getTime() - DRIFT_MS
  const refused = drift.filter(({ grade, lastAt }) => grade === 'REFUSED' && lastAt.getTime() >= since)
  return { refused: refused.length, rows: refused.slice(0, MAX_SHOWN).map(toDriftRow) }
}

/** Providers whose circuit is open, that refuse the credentials, or that failed most of the latest calls. */
async function findProviders({ services }: AdminDeps, operator: Operator, now: Date) {
  const infos = await services.accounts.list(operator.tenantId)
  const views = await services.providerSettings.list(operator)
  return PROVIDERS.map(provider => ({
    ...toInfo(provider, infos, now.getTime()),
    credentials: toCredentials(services, views, provider),
  })).filter(({ health }) => health && health.state !== 'UP')
}
