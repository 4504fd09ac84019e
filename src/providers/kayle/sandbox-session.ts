import { createHash, randomBytes } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { SandboxKit } from '../../sandbox/sandbox.ts'
import type { ShareFields } from './sandbox-share-fields.ts'
import { toEvent, toShared } from './sandbox-webhook.ts'

export interface StoredSession {
  readonly id: string
  readonly status: 'created' | 'in_progress' | 'completed' | 'expired' | 'cancelled'
  readonly share_fields: ShareFields
  readonly redirect_url: string | null
  readonly cancel_token_sha256: string
  readonly expires_at: string
  readonly completed_at: string | null
  readonly created_at: string
  readonly updated_at: string
}

export interface StoredAttempt {
  readonly id: string
  readonly session_id: string
  readonly status: 'in_progress' | 'succeeded' | 'failed'
  readonly failure_code: string | null
  readonly risk_score: number
  readonly completed_at: string | null
  readonly created_at: string
  readonly updated_at: string
}

const LIFETIME_MS = 60 * 60 * 1000
const HANDOFF_LIFETIME_MS = 5 * 60 * 1000
export const MAX_FAILED_ATTEMPTS = 3
const RISK_OF_A_SUCCESS = 0.125

export type Sessions = ReturnType<typeof openSessions>

/** The sessions with their attempts, and how both move. */
export function openSessions({ clock, collection, emit }: SandboxKit) {
  const sessions = collection<StoredSession>('sessions')
  const attempts = collection<StoredAttempt>('attempts')
  const now = () => clock.now().toISOString()
  const after = (ms: number) => new Date(clock.now().getTime() + ms).toISOString()

  const move = (session: StoredSession, change: Partial<StoredSession>) =>
    sessions.put(session.id, { ...session, ...change, updated_at: now() })

  const attemptsOf = (session: StoredSession) => attempts.all().filter(({ session_id }) => session_id === session.id)

  const openAttemptOf = (session: StoredSession) => attemptsOf(session).find(({ status }) => status === 'in_progress')

  function create(share_fields: ShareFields, redirect_url: string | null) {
    const cancelToken = random.lower(48)
    const at = now()
    const id = `vs_${random.lower(64)}`
    const session = sessions.put(id, {
      id,
      status: 'created',
      share_fields,
      redirect_url,
      cancel_token_sha256: hash(cancelToken),
      expires_at: after(LIFETIME_MS),
      completed_at: null,
      created_at: at,
      updated_at: at,
    })
    return { session, cancelToken }
  }

  function startAttempt(session: StoredSession): StoredAttempt {
    const open = openAttemptOf(session)
    if (open) return open
    const at = now()
    const id = `va_${random.lower(64)}`
    const begun = { failure_code: null, risk_score: 0, completed_at: null, created_at: at, updated_at: at }
    return attempts.put(id, { id, session_id: session.id, status: 'in_progress', ...begun })
  }

  function endAttempt(
    session: StoredSession,
    change: Pick<StoredAttempt, 'status'> & Partial<StoredAttempt>,
  ): StoredAttempt {
    const attempt = startAttempt(session)
    return attempts.put(attempt.id, { ...attempt, ...change, completed_at: now(), updated_at: now() })
  }

  /** A session that ends takes its open attempt with it. */
  function end(session: StoredSession, status: 'cancelled' | 'expired'): StoredSession {
    if (isTerminal(session)) return session
    if (openAttemptOf(session)) endAttempt(session, { status: 'failed', failure_code: `session_${status}` })
    emit(toEvent(`verification.session.${status}`, session))
    return move(session, { status, completed_at: now() })
  }

  function fail(session: StoredSession, failure_code: string): StoredSession {
    const attempt = endAttempt(session, { status: 'failed', failure_code })
    emit(toEvent('verification.attempt.failed', session, { failure_code }, attempt))
    const failed = attemptsOf(session).filter(({ status }) => status === 'failed').length
    if (failed < MAX_FAILED_ATTEMPTS) return move(session, { status: 'created' })
    return move(session, { status: 'completed', completed_at: now() })
  }

  function succeed(session: StoredSession): StoredSession {
    const attempt = endAttempt(session, { status: 'succeeded', risk_score: RISK_OF_A_SUCCESS })
    emit(toEvent('verification.attempt.succeeded', session, toShared(session.share_fields), attempt))
    return move(session, { status: 'completed', completed_at: now() })
  }

  /** Opens an attempt for a phone. The session stays as it is until the phone comes. */
  function handOff(session: StoredSession) {
    return {
      v: 1,
      session_id: session.id,
      attempt_id: startAttempt(session).id,
      mobile_write_token: randomBytes(32).toString('hex'),
      expires_at: after(HANDOFF_LIFETIME_MS),
      attest_hello_challenge: randomBytes(32).toString('base64url'),
      attest_nfc_challenge: randomBytes(32).toString('base64url'),
    }
  }

  return {
    get: sessions.get,
    /** In the order of the ids, which are random. */
    all: () => sessions.all().sort(byId),
    allAttempts: () => attempts.all().sort(byId),
    attemptsOf,
    create,
    end,
    endWhenOverdue: (session: StoredSession) => (session.expires_at <= now() ? end(session, 'expired') : session),
    fail,
    handOff,
    start: (session: StoredSession) => {
      startAttempt(session)
      return move(session, { status: 'in_progress' })
    },
    succeed,
  }
}

export function isTerminal({ status }: StoredSession): boolean {
  return status === 'completed' || status === 'expired' || status === 'cancelled'
}

export function fitsCancelToken(session: StoredSession, token: string): boolean {
  return session.cancel_token_sha256 === hash(token)
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1
}
