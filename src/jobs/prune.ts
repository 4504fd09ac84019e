import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Database } from '../../db/core/database.ts'
import { pruneAccess } from '../../db/records/session-repository.ts'
import { pruneAudit } from '../../db/repositories/audit-repository.ts'
import { pruneDrift } from '../../db/repositories/drift-repository.ts'
import { listTenantsWithEvents, pruneEvents } from '../../db/repositories/event-repository.ts'
import { pruneOperations } from '../../db/repositories/operation-repository.ts'
import { pruneMinutes } from '../../db/repositories/provider-stats-repository.ts'
import { pruneDeliveries } from '../../db/repositories/webhook-repository.ts'
import type { JobLease } from './lease.ts'

/** Retention times in milliseconds. */
export interface Retention {
  /** Deliveries, from receipt. */
  readonly inboxMs: number
  readonly timelineMs: number
  /** Links and tokens of sessions, from the end of the session. */
  readonly accessMs: number
  /** Creates, from success or failure. */
  readonly operationsMs: number
  /** Drift, from its last occurrence. */
  readonly driftMs: number
  /** The statistics of provider calls by minute. */
  readonly minutesMs: number
  /** The audit log. */
  readonly auditMs: number
}

export interface PruneOptions {
  readonly db: Database
  readonly lease: JobLease
  readonly retention: Retention
  readonly now: () => Date
}

const INTERVAL_MS = 3_600_000
const BATCH = 500

/** Deletes at most `limit` expired rows. Returns their number. */
type Step = (db: Database, limit: number) => Promise<number>

/** Deletes expired rows in small batches, once an hour in one process. Returns their number. */
export function createPrune({ db, lease, retention, now }: PruneOptions): (signal?: AbortSignal) => Promise<number> {
  const before = (ms: number) => new Date(now().getTime() - ms)

  async function steps(): Promise<Step[]> {
    const events = (await listTenantsWithEvents(db)).map(
      (tenantId): Step =>
        (trx, limit) =>
          pruneEvents(trx, tenantId, before(retention.timelineMs), limit),
    )
    return [
      (trx, limit) => pruneDeliveries(trx, before(retention.inboxMs), limit),
      (trx, limit) => pruneAccess(trx, before(retention.accessMs), limit),
      (trx, limit) => pruneOperations(trx, before(retention.operationsMs), limit),
      (trx, limit) => pruneDrift(trx, before(retention.driftMs), limit),
      (trx, limit) => pruneMinutes(trx, before(retention.minutesMs), limit),
      (trx, limit) => pruneAudit(trx, before(retention.auditMs), limit),
      ...events,
    ]
  }

  return async signal => {
    if (!(await lease.acquire())) return 0
    let removed = 0
    for (const step of await steps()) {
      for (let count = BATCH; count === BATCH; removed += count) {
        // Each batch extends the lease, so that a long round keeps it.
        const held = await lease.acquire()
        if (!held || signal?.aborted) return removed
        count = await held.runFenced(trx => step(trx, BATCH))
        await yieldToEventLoop()
      }
    }
    await (await lease.acquire())?.holdOff(new Date(now().getTime() + INTERVAL_MS))
    return removed
  }
}
