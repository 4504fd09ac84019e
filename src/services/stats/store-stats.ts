import {
  countCreates,
  countOverduePolls,
  countRowsByTable,
  readBacklog,
} from '../../../db/repositories/stats-repository.ts'
import { distinctById } from '../../domain/distinct-by-id.ts'
import type { ServiceDeps } from '../deps.ts'
import type { Polling, PollingSettings } from '../jobs/polling.ts'

/** The database is counted at most once in this time. */
const REFRESH_INTERVAL_MS = 15_000
const MINUTE_MS = 60_000

export type StoreStats = ReturnType<typeof createStoreStats>

/** Gauges for monitoring, over all tenants. */
export function createStoreStats(
  { db, accounts, now }: ServiceDeps,
  polling: Polling,
  { pollsPerMinute }: PollingSettings,
) {
  let counted: ReturnType<typeof count> | undefined
  let countedAt = Number.NEGATIVE_INFINITY

  async function count() {
    const at = now().getTime()
    const { waiting, oldest, quarantined } = await readBacklog(db)
    return {
      creates: await countCreates(db),
      rows: await countRowsByTable(db),
      deliveriesWaiting: waiting,
      deliveriesQuarantined: quarantined,
      webhookLagSeconds: oldest ? Math.max(0, at - oldest.getTime()) / 1000 : 0,
      pollsOverdue: await countOverduePolls(db, new Date(at - MINUTE_MS)),
    }
  }

  /** The last counts of the database. Throws if it cannot be read. */
  function store() {
    if (counted && performance.now() - countedAt < REFRESH_INTERVAL_MS) return counted
    countedAt = performance.now()
    counted = count()
    counted.catch(() => {
      counted = undefined
    })
    return counted
  }

  return {
    store,
    /** The connected accounts, without replaced ones. */
    accounts: () =>
      distinctById(accounts.all()).map(({ id, provider, upstream }) => ({
        provider,
        inFlight: upstream.health().inFlight,
        circuits: upstream.circuits(),
        pollsLastMinute: polling.pollsLastMinute(id),
        pollsPerMinute,
      })),
  }
}
