import { isTerminal, type Session } from '../domain/session.ts'

/** When a session is looked at again by itself, in case a webhook was lost. */

const FIRST_SECONDS = 15
const LAST_SECONDS = 600
const SOON_SECONDS = 5
/** So long before its end a session is looked at often. */
const NEAR_EXPIRY_SECONDS = 60
/** What the clock alone calls expired is asked for again so long after, in case the provider says otherwise. */
const AFTER_EXPIRY_SECONDS: readonly number[] = [30, 600]

export interface PollState {
  /** How often it was looked at in vain. */
  readonly polls: number
  /** True while somebody follows it live. */
  readonly watched: boolean
  readonly now: Date
}

/** The time of the next look; null where there is nothing more to see. */
export function nextPollAt(session: Pick<Session, 'status' | 'sync' | 'expiresAt'>, state: PollState): Date | null {
  if (isTerminal(session)) return null
  if (session.status === 'EXPIRED') {
    const seconds = AFTER_EXPIRY_SECONDS[state.polls]
    if (seconds === undefined) return null
    // Where nobody looked in time, it is not asked twice at once.
    const at = after(session.expiresAt ?? state.now, seconds)
    return at > state.now ? at : after(state.now, FIRST_SECONDS)
  }
  const seconds = Math.min(FIRST_SECONDS * 2 ** state.polls, LAST_SECONDS)
  return after(state.now, state.watched || isNearExpiry(session, state.now) ? SOON_SECONDS : seconds)
}

/** How often it was looked at in vain by now; `read` undefined: it could not be read. */
export function countPolls(known: Looked & { readonly polls: number }, read: Looked | undefined): number {
  if (!read) return known.status === 'EXPIRED' ? known.polls : known.polls + 1
  return read.status === known.status && read.outcome === known.outcome ? known.polls + 1 : 0
}

type Looked = Pick<Session, 'status' | 'outcome'>

function isNearExpiry({ expiresAt }: Pick<Session, 'expiresAt'>, now: Date): boolean {
  return expiresAt !== null && expiresAt.getTime() - now.getTime() <= NEAR_EXPIRY_SECONDS * 1000
}

function after(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000)
}
