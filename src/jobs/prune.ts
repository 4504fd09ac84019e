import { setImmediate as breathe } from 'node:timers/promises'
import type { Database } from '../../db/database.ts'
import { pruneDrift } from '../../db/drift-repository.ts'
import { listTenantsWithEvents, pruneEvents } from '../../db/event-repository.ts'
import { pruneMinutes } from '../../db/minute-repository.ts'
import { pruneOperations } from '../../db/operation-repository.ts'
import { pruneAccess } from '../../db/session-repository.ts'
import { pruneDeliveries } from '../../db/webhook-repository.ts'
import type { JobLease } from './lease.ts'

/** How long things are kept, in milliseconds. */
export interface Retention {
  /** Deliveries, after they came in. */
  readonly inboxMs: number
  readonly timelineMs: number
  /** Links and tokens, after their session's end. */
  readonly accessMs: number
  /** Creates, after they succeeded or failed. */
  readonly operationsMs: number
  /** Where answers drifted, after it was last seen. */
  readonly driftMs: number
  /** How the calls of a minute went. */
  readonly minutesMs: number
}

export interface PruneOptions {
  readonly db: Database
  /** One process does it for all that share the database. */
  readonly lease: JobLease
  readonly retention: Retention
  readonly now: () => Date
}

const EVERY_MS = 3_600_000
const BATCH = 500

/** Removes up to so many of what is older, and gives how many it was. */
type Step = (db: Database, limit: number) => Promise<number>

/** Removes what was kept long enough, in small steps, once an hour. Gives how many rows it were. */
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
      ...events,
    ]
  }

  return async signal => {
    if (!(await lease.hold())) return 0
    let removed = 0
    for (const step of await steps()) {
      for (let count = BATCH; count === BATCH; removed += count) {
        // Each step has the lease afresh, so that a long round does not outlast it.
        const held = await lease.hold()
        if (!held || signal?.aborted) return removed
        count = await held.step(trx => step(trx, BATCH))
        await breathe()
      }
    }
    await (await lease.hold())?.rest(new Date(now().getTime() + EVERY_MS))
    return removed
  }
}
