import { findAttempts, listAttemptsOf } from '../../db/attempt-repository.ts'
import type { Position } from '../../db/keyset.ts'
import { findSessions, updateSession } from '../../db/session-repository.ts'
import type { Applicant } from '../domain/applicant.ts'
import type { Attempt } from '../domain/attempt.ts'
import { isTerminal, type Session } from '../domain/session.ts'
import type { Freshness } from '../domain/sync.ts'
import type { Applicants } from './applicants.ts'
import type { Call } from './call.ts'
import { type Connection, type PageArguments, readConnection } from './connection.ts'
import { change, type Deps } from './deps.ts'
import { isFresh } from './freshness.ts'
import { orError } from './records.ts'
import type { Sessions } from './sessions.ts'
import { storeAttempts } from './store-attempts.ts'
import { recordChange } from './timeline.ts'

export type Attempts = ReturnType<typeof createAttempts>

export function createAttempts(deps: Deps, sessions: Sessions, applicants: Applicants) {
  const { db, accounts, now } = deps

  /** The stored attempts with these ids; undefined where the tenant has none. */
  async function findMany(call: Pick<Call, 'tenantId'>, ids: readonly string[]): Promise<(Attempt | undefined)[]> {
    const found = new Map((await findAttempts(db, call.tenantId, ids)).map(attempt => [attempt.id, attempt]))
    return ids.map(id => found.get(id))
  }

  /**
   * The attempts of each session, oldest first, as fresh as asked: null where its provider has none, an error where they
   * could not be read and none are stored.
   */
  async function ofSessions(
    call: Call,
    owners: readonly Session[],
    freshness?: Freshness | null,
  ): Promise<(readonly Attempt[] | null | Error)[]> {
    const refreshed = await Promise.all(owners.map(owner => orError(refreshSession(call, owner, freshness))))
    const stored = groupBy(
      await listAttemptsOf(
        db,
        call.tenantId,
        'session_id',
        owners.map(owner => owner.id),
      ),
      attempt => attempt.sessionId,
    )
    return owners.map((owner, index) => answer(refreshed[index] ?? false, stored.get(owner.id)))
  }

  /** The same for applicants. */
  async function ofApplicants(
    call: Call,
    owners: readonly Applicant[],
    freshness?: Freshness | null,
  ): Promise<(readonly Attempt[] | null | Error)[]> {
    const refreshed = await Promise.all(owners.map(owner => orError(refreshApplicant(call, owner, freshness))))
    const stored = groupBy(
      await listAttemptsOf(
        db,
        call.tenantId,
        'applicant_id',
        owners.map(owner => owner.id),
      ),
      attempt => attempt.applicantId,
    )
    return owners.map((owner, index) => answer(refreshed[index] ?? false, stored.get(owner.id)))
  }

  /** False where the provider has no attempts. Throws where they could not be read and none are stored. */
  async function refreshSession(call: Call, session: Session, freshness?: Freshness | null): Promise<boolean> {
    const account = await accounts.find(session)
    if (account && !account.client.capabilities.includes('ATTEMPTS')) return false
    const read = { freshness, now: now(), fetchedAt: session.attemptsFetchedAt, settled: isTerminal(session) }
    if (isFresh(call, { ...read, defaultMaxAgeSeconds: deps.defaultMaxAgeSeconds })) return true
    try {
      const onError = 'FAIL'
      const fresh = await sessions.refresh(call, session, { maxAgeSeconds: 0, onError })
      if (!fresh.attemptsFetchedAt) await listAttempts(call, fresh)
    } catch (error) {
      if (freshness?.onError === 'FAIL' || !session.attemptsFetchedAt) throw error
    }
    return true
  }

  /** For a session whose own answer does not tell its attempts. */
  async function listAttempts(call: Call, session: Session): Promise<void> {
    const account = await accounts.of(session)
    if (!account.client.listAttempts) return
    const beganAt = now()
    const attempts = await account.client.listAttempts({ providerId: session.providerId }, call)
    const said = { account, source: 'FETCH' as const, beganAt, now: now() }
    await change(deps, session.tenantId, async trx => {
      // Taken first, so that two who store the same attempts come one after the other.
      await findSessions(trx, session.tenantId, [session.id])
      const changes = await storeAttempts(trx, said, attempts, { sessionId: session.id, applicantId: null })
      await updateSession(trx, session.id, { attemptsFetchedAt: now() })
      await recordChange(trx, { session, source: 'FETCH', at: now() }, session, session, changes)
    })
  }

  async function refreshApplicant(call: Call, applicant: Applicant, freshness?: Freshness | null): Promise<boolean> {
    const account = await accounts.find(applicant)
    const capabilities = account?.client.capabilities ?? []
    if (account && !(capabilities.includes('ATTEMPTS') && capabilities.includes('GET_APPLICANT'))) return false
    const fetchedAt = applicant.attemptsFetchedAt
    const { defaultMaxAgeSeconds } = deps
    if (isFresh(call, { freshness, now: now(), fetchedAt, settled: false, defaultMaxAgeSeconds })) return true
    try {
      await applicants.refresh(call, applicant, { maxAgeSeconds: 0, onError: 'FAIL' })
    } catch (error) {
      if (freshness?.onError === 'FAIL' || !fetchedAt) throw error
    }
    return true
  }

  /** A page of attempts that are all here already; null stays null. */
  async function toConnection(
    owner: { readonly id: string; readonly tenantId: string },
    attempts: readonly Attempt[] | null,
    page: PageArguments,
  ): Promise<Connection<Attempt> | null> {
    if (!attempts) return null
    return readConnection(deps.cursors, page, {
      scope: `${owner.tenantId}|attempts|${owner.id}`,
      column: 'created_at',
      direction: 'asc',
      positionOf: attempt => ({ at: attempt.createdAt.getTime(), id: attempt.id }),
      read: async ({ after, limit }) => {
        // By its place, for the attempt itself may be gone.
        return (after ? attempts.filter(attempt => isBeyond(attempt, after)) : attempts).slice(0, limit)
      },
      count: async () => attempts.length,
    })
  }

  return { findMany, ofSessions, ofApplicants, toConnection }
}

/** Whether it comes after that place in the order in which the store lists attempts. */
function isBeyond({ createdAt, id }: Attempt, place: Position): boolean {
  return createdAt.getTime() === place.at ? id > place.id : createdAt.getTime() > place.at
}

function answer(refreshed: boolean | Error, attempts: readonly Attempt[] = []): readonly Attempt[] | null | Error {
  if (refreshed instanceof Error) return refreshed
  return refreshed ? attempts : null
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string | null): Map<string | null, T[]> {
  const groups = new Map<string | null, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group) group.push(value)
    else groups.set(keyOf(value), [value])
  }
  return groups
}
