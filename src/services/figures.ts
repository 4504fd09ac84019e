import { countCreates, countOverduePolls, countRows, readBacklog } from '../../db/figure-repository.ts'
import type { Deps } from './deps.ts'
import type { Polling, PollingSettings } from './polling.ts'

/** However often they are asked for: the store is counted so often at most. */
const COUNTED_EVERY_MS = 15_000
const MINUTE_MS = 60_000

export type Figures = ReturnType<typeof createFigures>

/** What the house stands at, for whoever watches it: all tenants together. */
export function createFigures({ db, accounts, now }: Deps, polling: Polling, { pollsPerMinute }: PollingSettings) {
  let counted: ReturnType<typeof count> | undefined
  let countedAt = Number.NEGATIVE_INFINITY

  async function count() {
    const at = now().getTime()
    const { waiting, oldest, quarantined } = await readBacklog(db)
    return {
      creates: await countCreates(db),
      rows: await countRows(db),
      deliveriesWaiting: waiting,
      deliveriesQuarantined: quarantined,
      webhookLagSeconds: oldest ? Math.max(0, at - oldest.getTime()) / 1000 : 0,
      pollsOverdue: await countOverduePolls(db, new Date(at - MINUTE_MS)),
    }
  }

  /** The store, as it was counted last. Throws where it cannot be read. */
  function store() {
    if (counted && performance.now() - countedAt < COUNTED_EVERY_MS) return counted
    countedAt = performance.now()
    counted = count()
    counted.catch(() => {
      counted = undefined
    })
    return counted
  }

  return {
    store,
    /** Each connected account; of one that was replaced, what replaced it. */
    accounts: () =>
      [...new Map(accounts.all().map(account => [account.id, account])).values()].map(({ id, provider, upstream }) => ({
        provider,
        inFlight: upstream.health().inFlight,
        circuits: upstream.circuits(),
        pollsLastMinute: polling.spentBy(id),
        pollsPerMinute,
      })),
  }
}
