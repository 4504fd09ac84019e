import { findDuePolls, type StoredSession, setNextPoll } from '../../db/session-repository.ts'
import { DomainError } from '../domain/errors.ts'
import type { Call } from './call.ts'
import type { Deps } from './deps.ts'
import { nextPollAt } from './poll-schedule.ts'
import type { Sessions } from './sessions.ts'

/**
 * Looks at open sessions by itself, so that a lost webhook is repaired: often at first, rarely later, and never more often
 * than the budget of its account allows. Reads by clients go first.
 */

export interface PollingSettings {
  readonly pollsPerMinute: number
}

const BATCH = 200
const MINUTE_MS = 60_000
/** With so many calls of an account under way, its polls wait. */
const BUSY_CALLS = 8

export type Polling = ReturnType<typeof createPolling>

export function createPolling(deps: Deps, sessions: Sessions, settings: PollingSettings) {
  const { db, accounts, now } = deps
  const spent = new Map<string, number[]>()

  /** Looks at what is due, within the budgets. Gives how many sessions it looked at. */
  async function run(): Promise<number> {
    const due = await findDuePolls(db, now(), BATCH)
    const chosen = due.filter(mayPoll)
    await Promise.all(chosen.map(poll))
    return chosen.length
  }

  /** True where the account's budget has room; it is then spent. What has no room stays due. */
  function mayPoll(session: StoredSession): boolean {
    const account = accounts.find(session)
    if (!account?.client.getSession) return true
    const recent = (spent.get(account.id) ?? []).filter(at => at > now().getTime() - MINUTE_MS)
    spent.set(account.id, recent)
    if (recent.length >= settings.pollsPerMinute || account.upstream.health().inFlight >= BUSY_CALLS) return false
    recent.push(now().getTime())
    return true
  }

  async function poll(session: StoredSession): Promise<void> {
    const account = accounts.find(session)
    if (!account?.client.getSession) return setNextPoll(db, session.id, null, session.polls)
    const call: Call = { tenantId: session.tenantId, startedAt: now(), signal: new AbortController().signal }
    const read = await sessions.ask(call, session).catch((error: unknown) => {
      if (!(error instanceof DomainError)) deps.report(error)
      return session
    })
    const moved = read.status !== session.status || read.outcome !== session.outcome
    const polls = moved ? 0 : session.polls + 1
    const watched = deps.watched.has(session.id)
    await setNextPoll(db, session.id, nextPollAt(read, { polls, watched, now: now() }), polls)
  }

  return { run }
}
