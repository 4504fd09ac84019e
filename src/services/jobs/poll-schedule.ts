import { type ApplicantState, isSettled } from '../../domain/records/applicant.ts'
import { isTerminal, type Session, type SessionPhase } from '../../domain/records/session.ts'

/** The times at which records are polled, in case a webhook was lost. */

const FIRST_SECONDS = 15
export const LAST_SECONDS = 600
const SOON_SECONDS = 5
/** The largest clock difference between instances. */
const TOLERANCE_SECONDS = 60
/** A session this close to its expiry is polled often. */
const NEAR_EXPIRY_SECONDS = 60
/** A session that expired by the clock is polled this long after, in case the provider reports another status. */
const AFTER_EXPIRY_SECONDS: readonly number[] = [30, 600]

export interface PollState {
  /** The polls without a change in a row. */
  readonly polls: number
  /** True while the session has subscribers. */
  readonly isFollowed: boolean
  readonly now: Date
}

/** Null if the session cannot change any more. */
export function nextPollAt(session: SessionPhase & Pick<Session, 'expiresAt'>, state: PollState): Date | null {
  if (isTerminal(session)) return null
  if (session.status === 'EXPIRED' && !session.sync.unrecognized) {
    const seconds = AFTER_EXPIRY_SECONDS[state.polls]
    if (seconds === undefined) return null
    // After a late poll the next one keeps a distance.
    const expiredAt = session.expiresAt && session.expiresAt < state.now ? session.expiresAt : state.now
    const at = addSeconds(expiredAt, seconds)
    return at > state.now ? at : addSeconds(state.now, FIRST_SECONDS)
  }
  const seconds = Math.min(FIRST_SECONDS * 2 ** state.polls, LAST_SECONDS)
  return addSeconds(state.now, state.isFollowed || isNearExpiry(session, state.now) ? SOON_SECONDS : seconds)
}

/** Like the function above, for an applicant. */
export function nextApplicantPollAt(applicant: ApplicantState, state: PollState): Date | null {
  const { status, sync } = applicant
  return !sync || isSettled(applicant) ? null : nextPollAt({ status, sync, expiresAt: null }, state)
}

/** The latest possible time of a poll. A later stored time comes from before the clock was set back. */
export function latestPollAt(now: Date): Date {
  return addSeconds(now, LAST_SECONDS + TOLERANCE_SECONDS)
}

/** The polls without a change in a row; `read` undefined: the read failed. */
export function pollCountFor(known: Verdict & { readonly polls: number }, read: Verdict | undefined): number {
  if (!read) return known.status === 'EXPIRED' ? known.polls : known.polls + 1
  return read.status === known.status && read.outcome === known.outcome ? known.polls + 1 : 0
}

type Verdict = Pick<Session, 'status' | 'outcome'>

function isNearExpiry({ expiresAt }: Pick<Session, 'expiresAt'>, now: Date): boolean {
  return expiresAt !== null && expiresAt.getTime() - now.getTime() <= NEAR_EXPIRY_SECONDS * 1000
}

function addSeconds(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000)
}
