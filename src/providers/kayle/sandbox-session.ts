import { createHash, randomBytes } from 'node:crypto'
import { random } from '../../sandbox/random.ts'
import type { SandboxContext } from '../../sandbox/sandbox.ts'
import type { ShareFields } from './sandbox-share-fields.ts'
import { toEvent, toShared } from './sandbox-webhook.ts'
import { SANDBOX_VERSIONS } from './wire.ts'

export interface SandboxSession {
  readonly id: string
  readonly status: 'created' | 'in_progress' | 'completed' | 'succeeded' | 'failed' | 'expired' | 'cancelled'
  readonly share_fields: ShareFields
  readonly redirect_url: string | null
  readonly cancel_token_sha256: string
  readonly expires_at: string
  readonly completed_at: string | null
  readonly created_at: string
  readonly updated_at: string
  /** From 1.6 on, which has no attempts. */
  readonly failure_code?: string | null
  readonly nfc_tries_used?: number
  readonly liveness_tries_used?: number
  readonly webhook_endpoint_id?: string | null
}

export type Version = (typeof SANDBOX_VERSIONS)[number]

export interface SandboxAttempt {
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

export type SandboxSessions = ReturnType<typeof openSessions>

/** The sessions with their attempts and state transitions. */
export function openSessions({ clock, collection, emit, version: wanted }: SandboxContext) {
  const version: Version = SANDBOX_VERSIONS.find(each => each === wanted) ?? '1.5'
  const sessions = collection<SandboxSession>('sessions')
  const attempts = collection<SandboxAttempt>('attempts')
  const now = () => clock.now().toISOString()
  const after = (ms: number) => new Date(clock.now().getTime() + ms).toISOString()

  const move = (session: SandboxSession, change: Partial<SandboxSession>) =>
    sessions.put(session.id, { ...session, ...change, updated_at: now() })

  const attemptsOf = (session: SandboxSession) => attempts.all().filter(({ session_id }) => session_id === session.id)

  const openAttemptOf = (session: SandboxSession) => attemptsOf(session).find(({ status }) => status === 'in_progress')

  function create(share_fields: ShareFields, redirect_url: string | null, webhook_endpoint_id: string | null = null) {
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
      ...(version === '1.6' && { failure_code: null, nfc_tries_used: 0, liveness_tries_used: 0, webhook_endpoint_id }),
    })
    return { session, cancelToken }
  }

  function startAttempt(session: SandboxSession): SandboxAttempt {
    const open = openAttemptOf(session)
    if (open) return open
    const at = now()
    const id = `va_${random.lower(64)}`
    const begun = { failure_code: null, risk_score: 0, completed_at: null, created_at: at, updated_at: at }
    return attempts.put(id, { id, session_id: session.id, status: 'in_progress', ...begun })
  }

  function endAttempt(
    session: SandboxSession,
    change: Pick<SandboxAttempt, 'status'> & Partial<SandboxAttempt>,
  ): SandboxAttempt {
    const attempt = startAttempt(session)
    return attempts.put(attempt.id, { ...attempt, ...change, completed_at: now(), updated_at: now() })
  }

  /** A session that ends also ends its open attempt. */
  function end(session: SandboxSession, status: 'cancelled' | 'expired'): SandboxSession {
    if (hasEnded(session)) return session
    if (openAttemptOf(session)) endAttempt(session, { status: 'failed', failure_code: `session_${status}` })
    const data = version === '1.6' && status === 'cancelled' ? toCancelled(session) : {}
    emit(toEvent(`verification.session.${status}`, session, data))
    return move(session, { status, completed_at: now() })
  }

  /**
   * Three failures of one kind of check end a session of 1.6. A check without a limit continues it, a final one ends
   * it.
   */
  function failCheck(session: SandboxSession, failure_code: string): SandboxSession {
    const check = CHECKS[failure_code] ?? 'nfc_tries_used'
    if (check === 'UNLIMITED') return move(session, { status: 'in_progress' })
    const counted = check === 'FINAL' ? {} : { [check]: (session[check] ?? 0) + 1 }
    const tried = { ...session, ...counted }
    const isOver = check === 'FINAL' || (tried[check] ?? 0) >= MAX_FAILED_ATTEMPTS
    if (!isOver) return move(session, { ...counted, status: 'in_progress' })
    emit(toEvent('verification.session.failed', session, { failure_code, ...toTries(tried) }))
    return move(session, { ...counted, status: 'failed', failure_code, completed_at: now() })
  }

  function fail(session: SandboxSession, failure_code: string): SandboxSession {
    if (version === '1.6') return failCheck(session, failure_code)
    const attempt = endAttempt(session, { status: 'failed', failure_code })
    emit(toEvent('verification.attempt.failed', session, { failure_code }, attempt))
    const failed = attemptsOf(session).filter(({ status }) => status === 'failed').length
    if (failed < MAX_FAILED_ATTEMPTS) return move(session, { status: 'created' })
    return move(session, { status: 'completed', completed_at: now() })
  }

  function succeed(session: SandboxSession): SandboxSession {
    if (version === '1.6') {
      emit(toEvent('verification.session.succeeded', session, toShared(session.share_fields)))
      return move(session, { status: 'succeeded', completed_at: now() })
    }
    const attempt = endAttempt(session, { status: 'succeeded', risk_score: RISK_OF_A_SUCCESS })
    emit(toEvent('verification.attempt.succeeded', session, toShared(session.share_fields), attempt))
    return move(session, { status: 'completed', completed_at: now() })
  }

  /** Opens an attempt for a phone. The session changes once the phone connects. */
  function handOff(session: SandboxSession) {
    return {
      v: 1,
      session_id: session.id,
      ...(version === '1.5' && { attempt_id: startAttempt(session).id }),
      mobile_write_token: randomBytes(32).toString('hex'),
      expires_at: after(HANDOFF_LIFETIME_MS),
      attest_hello_challenge: randomBytes(32).toString('base64url'),
      attest_nfc_challenge: randomBytes(32).toString('base64url'),
    }
  }

  return {
    version,
    get: sessions.get,
    /** In the order of the random ids. */
    all: () => sessions.all().sort(byId),
    allAttempts: () => attempts.all().sort(byId),
    attemptsOf,
    create,
    end,
    endWhenOverdue: (session: SandboxSession) => (session.expires_at <= now() ? end(session, 'expired') : session),
    fail,
    handOff,
    start: (session: SandboxSession) => {
      if (version === '1.5') startAttempt(session)
      return move(session, { status: 'in_progress' })
    },
    succeed,
  }
}

export function hasEnded({ status }: SandboxSession): boolean {
  return status !== 'created' && status !== 'in_progress'
}

/** The number of failures per check that 1.6 counts. */
export function countFailedTries({ nfc_tries_used = 0, liveness_tries_used = 0 }: SandboxSession): number {
  return nfc_tries_used + liveness_tries_used
}

function toTries({ nfc_tries_used, liveness_tries_used }: SandboxSession) {
  return { nfc_tries_used, liveness_tries_used }
}

function toCancelled(session: SandboxSession) {
  const reason = countFailedTries(session) > 0 ? 'cancelled_after_failed_check' : 'cancelled'
  return { outcome: 'not_verified', reason, ...toTries(session) }
}

/** The check that a failure counts against; all other codes belong to the chip. */
const CHECKS: Readonly<Record<string, 'nfc_tries_used' | 'liveness_tries_used' | 'UNLIMITED' | 'FINAL'>> = {
  document_anti_cloning_attestation_failed: 'FINAL',
  document_data_invalid: 'UNLIMITED',
  liveness_failed: 'liveness_tries_used',
  selfie_face_mismatch: 'liveness_tries_used',
}

export function hasValidCancelToken(session: SandboxSession, token: string): boolean {
  return session.cancel_token_sha256 === hash(token)
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1
}
