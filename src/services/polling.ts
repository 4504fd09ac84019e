import { findDuePolls, pollSoon, setNextPoll } from '../../db/session-clock-repository.ts'
import type { StoredSession } from '../../db/session-columns.ts'
import { DomainError } from '../domain/errors.ts'
import { isTerminal } from '../domain/session.ts'
import { createJobLease, type Held } from '../jobs/lease.ts'
import type { Account } from './accounts.ts'
import type { Call } from './call.ts'
import type { Deps } from './deps.ts'
import { countPolls, nextPollAt } from './poll-schedule.ts'
import type { Sessions } from './sessions.ts'

/**
 * Looks at open sessions by itself, so that a lost webhook is repaired: often at first, rarely later, and never more often
 * than the budget of its account allows. Reads by clients go first. One process does it for all that share the database.
 */

export interface PollingSettings {
  readonly pollsPerMinute: number
}

const BATCH = 200
const AT_ONCE = 4
const MINUTE_MS = 60_000
/** Nothing is polled in the last minute of a lease, so that whoever takes it over begins with a whole budget. */
const LEASE_MS = 90_000
/** How soon what is followed live is looked at again. */
const HURRY_MS = 5_000
/** With so many calls of an account under way, its polls wait. */
const BUSY_CALLS = 8

export type Polling = ReturnType<typeof createPolling>

export function createPolling(deps: Deps, sessions: Sessions, settings: PollingSettings) {
  const { db, accounts, now } = deps
  const lease = createJobLease(db, { name: 'polling', ms: LEASE_MS, marginMs: MINUTE_MS, now })
  const spent = new Map<string, number[]>()
  let hurriedAt = 0

  /** Looks at what is due, within the budgets. Gives how many sessions it looked at. */
  async function run(signal?: AbortSignal): Promise<number> {
    const waiting = new Set<string>()
    let count = 0
    await hurry()
    for (let looked = -1; looked !== 0 && !signal?.aborted; count += looked) {
      const due = await findDuePolls(db, now(), BATCH, [...waiting])
      const held = due.length > 0 && (await lease.hold())
      if (!held) break
      looked = await pollAll(due, waiting, held, signal)
    }
    return count
  }

  /** What is followed here is looked at soon, whichever process does it. */
  async function hurry(): Promise<void> {
    const ids = deps.watched.ids()
    if (ids.length === 0 || now().getTime() < hurriedAt + HURRY_MS) return
    hurriedAt = now().getTime()
    await pollSoon(db, ids, new Date(hurriedAt + HURRY_MS))
  }

  /** An account without room for more joins those that wait, so that the others have their turn. */
  async function pollAll(
    due: readonly StoredSession[],
    waiting: Set<string>,
    held: Held,
    signal?: AbortSignal,
  ): Promise<number> {
    const queue = due.values()
    let looked = 0
    async function work(): Promise<void> {
      for (const session of queue) {
        if (signal?.aborted) return
        const account = await accounts.find(session)
        if (!account?.client.getSession || isTerminal(session)) {
          await held.step(trx => setNextPoll(trx, session.id, null, session.polls))
        } else if (waiting.has(account.id) || !mayPoll(account)) {
          waiting.add(account.id)
          continue
        } else await poll(session, held)
        looked++
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return looked
  }

  /** True where the account's budget has room; it is then spent. What has no room stays due. */
  function mayPoll(account: Account): boolean {
    const at = now().getTime()
    const recent = (spent.get(account.id) ?? []).filter(call => call > at - MINUTE_MS)
    spent.set(account.id, recent)
    if (recent.length >= settings.pollsPerMinute || account.upstream.health().inFlight >= BUSY_CALLS) return false
    recent.push(at)
    return true
  }

  async function poll(session: StoredSession, held: Held): Promise<void> {
    const call: Call = { tenantId: session.tenantId, startedAt: now(), signal: new AbortController().signal }
    const read = await sessions.ask(call, session).catch((error: unknown) => {
      if (!(error instanceof DomainError)) deps.report(error)
      return undefined
    })
    const polls = countPolls(session, read)
    const watched = deps.watched.has(session.id)
    const next = nextPollAt(read ?? session, { polls, watched, now: now() })
    await held.step(trx => setNextPoll(trx, session.id, next, polls))
  }

  /** How many looks an account had in the last minute. */
  function spentBy(accountId: string): number {
    const at = now().getTime()
    return (spent.get(accountId) ?? []).filter(call => call > at - MINUTE_MS).length
  }

  return { run, spentBy }
}
