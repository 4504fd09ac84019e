import type { StoredApplicant } from '../../../db/records/applicant-repository.ts'
import {
  type DuePoll,
  type Excluded,
  findDuePolls,
  pollSoon,
  setNextPoll,
} from '../../../db/records/poll-repository.ts'
import type { StoredSession } from '../../../db/records/session-columns.ts'
import { LightAbortSignal } from '../../domain/abort-signal.ts'
import { DomainError } from '../../domain/errors.ts'
import { isSettled } from '../../domain/records/applicant.ts'
import { isTerminal } from '../../domain/records/session.ts'
import { createJobLease, type JobLease, type JobLeaseHandle } from '../../jobs/lease.ts'
import type { ProviderClient } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import { createSkippedAccounts, INSTANCE_ERROR_CODES } from '../accounts/skipped-accounts.ts'
import type { ServiceDeps } from '../deps.ts'
import type { Applicants } from '../records/record-definitions.ts'
import type { Sessions } from '../records/sessions.ts'
import type { RequestScope } from '../request-scope.ts'
import { LAST_SECONDS, latestPollAt, nextApplicantPollAt, nextPollAt, pollCountFor } from './poll-schedule.ts'

/**
 * Polls open sessions and applicants, so that a lost webhook does no harm: often at first, less often later, and within the
 * budget of each account. Client reads have priority. One instance polls each account.
 */

export interface PollingSettings {
  readonly pollsPerMinute: number
}

const BATCH = 200
const CONCURRENCY = 4
const MINUTE_MS = 60_000
/** No polls run in the last minute of a lease, so that the next holder starts with a full budget. */
const LEASE_MS = 90_000
/** The poll interval of sessions with subscribers. */
const PRIORITY_INTERVAL_MS = 5_000
/** Polls of an account wait while it has this many calls in flight. */
const BUSY_CALLS = 8

/** One run over all due polls. */
interface Round extends PolledAccounts {
  /** The accounts that this run skips from now on. */
  readonly waiting: Excluded & Record<DuePoll['table'], Set<string>>
}

interface PolledAccounts {
  /** The accounts with a read that succeeded. */
  readonly reached: Set<string>
  /** The accounts with a read that failed because of this instance. */
  readonly unreached: Map<string, JobLeaseHandle>
}

interface PollResult {
  readonly polls: number
  readonly next: Date | null
  readonly failure?: DomainError
}

/** A time by the wall clock and by the monotonic clock. */
interface Moment {
  readonly at: number
  readonly ms: number
}

export type Polling = ReturnType<typeof createPolling>

export function createPolling(
  deps: ServiceDeps,
  sessions: Sessions,
  applicants: Applicants,
  settings: PollingSettings,
) {
  const { db, accounts, now } = deps
  const leases = new Map<string, JobLease>()
  const skippedAccounts = createSkippedAccounts(now)
  const recentPolls = new Map<string, Moment[]>()
  let prioritizedAt: Moment | undefined

  /** Polls the due records within the budgets. Returns how many it polled. */
  async function run(signal?: AbortSignal): Promise<number> {
    const others = skippedAccounts.ids()
    const round: Round = {
      waiting: { sessions: new Set(others), applicants: new Set(others) },
      reached: new Set<string>(),
      unreached: new Map<string, JobLeaseHandle>(),
    }
    let count = 0
    await prioritizeFollowed()
    // Ends: each due poll is rescheduled, or its account joins `waiting`.
    while (!signal?.aborted) {
      const due = await findDuePolls(db, { now: now(), latest: latestPollAt(now()) }, BATCH, round.waiting)
      if (due.length === 0) break
      count += await pollAll(due, round, signal)
    }
    for (const [accountId, held] of round.unreached)
      if (!round.reached.has(accountId)) await skipAccount(accountId, held)
    return count
  }

  /** Leaves the account to other instances once both together cannot exceed its budget. */
  async function skipAccount(accountId: string, held: JobLeaseHandle): Promise<void> {
    const last = (recentPolls.get(accountId) ?? []).filter(call => isWithin(MINUTE_MS, call)).at(-1)
    const from = last ? new Date(last.at + MINUTE_MS) : now()
    skippedAccounts.skip(accountId, from)
    await held.holdOff(from)
  }

  /** Reschedules the sessions with subscribers here, for whichever instance polls them. */
  async function prioritizeFollowed(): Promise<void> {
    const ids = deps.followedSessions.ids()
    if (ids.length === 0 || (prioritizedAt && isWithin(PRIORITY_INTERVAL_MS, prioritizedAt))) return
    prioritizedAt = moment()
    await pollSoon(db, ids, new Date(prioritizedAt.at + PRIORITY_INTERVAL_MS))
  }

  /** An account that this instance cannot poll now joins `waiting`: another instance may poll it. */
  async function pollAll(due: readonly DuePoll[], round: Round, signal?: AbortSignal): Promise<number> {
    const queue = due.values()
    let polled = 0
    async function work(): Promise<void> {
      for (const poll of queue) {
        if (signal?.aborted) return
        if (await pollOne(poll, round)) polled++
        else round.waiting[poll.table].add(poll.record.accountId)
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, work))
    return polled
  }

  /** False if the account is not connected here, cannot read the record, has no budget left, or is another instance's. */
  async function pollOne(poll: DuePoll, { waiting, ...outcome }: Round): Promise<boolean> {
    const { table, record } = poll
    if (waiting[table].has(record.accountId)) return false
    const account = await accounts.find(record)
    if (!account || !canRead(account.client, poll)) return false
    const held = await leaseOf(account.id).acquire()
    if (!held) return false
    const put = (at: Date | null) => held.runFenced(trx => setNextPoll(trx, poll, at, record.polls))
    if (isTerminalRecord(poll)) await put(null)
    else if (poll.table === 'applicants' && poll.covered) await put(new Date(now().getTime() + LAST_SECONDS * 1000))
    else return takeFromBudget(account) && pollRecord(poll, held, outcome)
    return true
  }

  function leaseOf(accountId: string): JobLease {
    const known = leases.get(accountId)
    const lease = known ?? createJobLease(db, { name: `polling|${accountId}`, ms: LEASE_MS, marginMs: MINUTE_MS, now })
    leases.set(accountId, lease)
    return lease
  }

  /** Takes one poll from the account's budget. False if there is none left: the poll stays due. */
  function takeFromBudget(account: Account): boolean {
    const recent = (recentPolls.get(account.id) ?? []).filter(call => isWithin(MINUTE_MS, call))
    recentPolls.set(account.id, recent)
    if (recent.length >= settings.pollsPerMinute || account.upstream.health().inFlight >= BUSY_CALLS) return false
    recent.push(moment())
    return true
  }

  /** False if the poll stays due for other instances. */
  async function pollRecord(
    poll: DuePoll,
    held: JobLeaseHandle,
    { reached, unreached }: PolledAccounts,
  ): Promise<boolean> {
    const { record } = poll
    const call: RequestScope = { tenantId: record.tenantId, signal: new LightAbortSignal() }
    const { next, polls, failure } =
      poll.table === 'sessions' ? await pollSession(call, poll.record) : await pollApplicant(call, poll.record)
    if (failure && INSTANCE_ERROR_CODES.includes(failure.code)) unreached.set(record.accountId, held)
    else reached.add(record.accountId)
    if (failure?.code === 'PROVIDER_AUTH_FAILED') return false
    await held.runFenced(trx => setNextPoll(trx, poll, next, polls))
    return true
  }

  async function pollSession(call: RequestScope, known: StoredSession): Promise<PollResult> {
    const { read, failure } = await resultOf(sessions.fetchNow(call, known))
    const polls = pollCountFor(known, read)
    const isFollowed = deps.followedSessions.has(known.id)
    return { polls, failure, next: nextPollAt(read ?? known, { polls, isFollowed, now: now() }) }
  }

  async function pollApplicant(call: RequestScope, known: StoredApplicant): Promise<PollResult> {
    const { read, failure } = await resultOf(applicants.fetchNow(call, known))
    const polls = pollCountFor(known, read)
    return { polls, failure, next: nextApplicantPollAt(read ?? known, { polls, isFollowed: false, now: now() }) }
  }

  /** The record or the error of its read. */
  async function resultOf<T>(read: Promise<T>): Promise<{ readonly read?: T; readonly failure?: DomainError }> {
    try {
      return { read: await read }
    } catch (error) {
      if (error instanceof DomainError) return { failure: error }
      deps.report(error)
      return {}
    }
  }

  /** The polls of an account in the last minute. */
  function pollsLastMinute(accountId: string): number {
    return (recentPolls.get(accountId) ?? []).filter(call => isWithin(MINUTE_MS, call)).length
  }

  function moment(): Moment {
    return { at: now().getTime(), ms: performance.now() }
  }

  /** By both clocks, so that a clock that is set back does not prolong a wait. */
  function isWithin(ms: number, since: Moment): boolean {
    const current = moment()
    return current.at - since.at < ms && current.ms - since.ms < ms
  }

  return { run, pollsLastMinute }
}

function canRead(client: ProviderClient, { table }: DuePoll): boolean {
  return (table === 'sessions' ? client.getSession : client.getApplicant) !== undefined
}

/** True if the record cannot change any more. */
function isTerminalRecord(poll: DuePoll): boolean {
  return poll.table === 'sessions' ? isTerminal(poll.record) : isSettled(poll.record)
}
