import { findAttempts, listAttemptsOf } from '../../../db/records/attempt-repository.ts'
import { findSessions, updateSession } from '../../../db/records/session-repository.ts'
import { canAccessSession } from '../../domain/access/caller.ts'
import { DomainError } from '../../domain/errors.ts'
import { groupBy } from '../../domain/group-by.ts'
import type { Applicant } from '../../domain/records/applicant.ts'
import type { Attempt } from '../../domain/records/attempt.ts'
import { isTerminal, type Session } from '../../domain/records/session.ts'
import type { Freshness } from '../../domain/records/sync.ts'
import type { Account } from '../accounts/account.ts'
import { type ServiceDeps, storeAndNotify } from '../deps.ts'
import { recordChange } from '../events/timeline.ts'
import type { PageArguments, PageRequest } from '../lists/connection.ts'
import type { RequestScope } from '../request-scope.ts'
import { readInOrder } from '../snapshots/read-sequence.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'
import { upsertAttempts } from '../snapshots/upsert-attempts.ts'
import {
  type AttemptConnection,
  type AttemptList,
  type AttemptsRead,
  parseAttemptPage,
  type Refreshed,
  toAttemptConnection,
  toAttemptList,
  toStoredRead,
} from './attempt-lists.ts'
import { isFresh, isSince } from './freshness.ts'
import type { Applicants } from './record-definitions.ts'
import type { Sessions } from './sessions.ts'

type OptionalFreshness = Freshness | null | undefined

/** The attempts of sessions and applicants: stored if they are fresh enough, else fetched with the record that has them. */
export interface Attempts {
  /** In the order of `ids`; undefined for an id that the tenant has no attempt of. */
  findMany(call: Pick<RequestScope, 'tenantId'>, ids: readonly string[]): Promise<(Attempt | undefined)[]>
  /** Null if the provider has no attempts, an error if the read failed and none are stored. */
  ofSessions(
    call: RequestScope,
    sessions: readonly Session[],
    freshness?: Freshness | null,
  ): Promise<(AttemptList | null | Error)[]>
  /** Like `ofSessions`. */
  ofApplicants(
    call: RequestScope,
    applicants: readonly Applicant[],
    freshness?: Freshness | null,
  ): Promise<(AttemptList | null | Error)[]>
  /** Call before the attempts are read from a provider. Throws INVALID_INPUT and CURSOR_INVALID. */
  parsePage(owner: Session | Applicant, args: PageArguments): PageRequest
  /** Null stays null. */
  toConnection(
    owner: Session | Applicant,
    list: AttemptList | null,
    page: PageRequest,
  ): Promise<AttemptConnection | null>
}

export function createAttempts(deps: ServiceDeps, sessions: Sessions, applicants: Applicants): Attempts {
  const { db, accounts, cursors, now } = deps

  async function findMany(call: Pick<RequestScope, 'tenantId'>, ids: readonly string[]) {
    const found = new Map((await findAttempts(db, call.tenantId, ids)).map(attempt => [attempt.id, attempt]))
    return ids.map(id => found.get(id))
  }

  async function ofSessions(call: RequestScope, owners: readonly Session[], freshness: OptionalFreshness) {
    const refreshed = await Promise.all(owners.map(owner => refreshSession(call, owner, freshness)))
    const ids = owners.map(({ id }) => id)
    const attempts = await listAttemptsOf(db, call.tenantId, 'session_id', ids)
    const stored = groupBy(attempts, ({ sessionId }) => sessionId)
    return refreshed.map((each, index) => toAttemptList(each, stored.get(ids[index] ?? null), freshness, now()))
  }

  async function ofApplicants(call: RequestScope, owners: readonly Applicant[], freshness: OptionalFreshness) {
    const refreshed = await Promise.all(owners.map(owner => refreshApplicant(call, owner, freshness)))
    const ids = owners.map(({ id }) => id)
    const attempts = await listAttemptsOf(db, call.tenantId, 'applicant_id', ids)
    const stored = groupBy(attempts, ({ applicantId }) => applicantId)
    return refreshed.map((each, index) => toAttemptList(each, stored.get(ids[index] ?? null), freshness, now()))
  }

  async function refreshSession(
    call: RequestScope,
    session: Session,
    freshness: OptionalFreshness,
  ): Promise<Refreshed> {
    const account = await accounts.find(session)
    if (account && !hasAttempts(account)) return { read: session, reason: 'UNSUPPORTED' }
    if (areFresh(call, session, isTerminal(session), freshness)) return { read: session }
    try {
      const fresh = isSince(call, deps, session.sync) ? session : await sessions.refetch(call, session, freshness)
      if (!canAccessSession(call.subject, fresh)) return 'NOT_OPEN'
      return { read: await readMissing(call, fresh, freshness) }
    } catch (error) {
      // The failed call can have shown that the account has no attempts.
      if (account && !hasAttempts(account)) return { read: session, reason: 'UNSUPPORTED' }
      if (!(error instanceof DomainError)) throw error
      return { read: session, error }
    }
  }

  /** Fetches the attempts if the session was read without them. Returns the read of the attempts. */
  async function readMissing(
    call: RequestScope,
    session: Session,
    freshness: OptionalFreshness,
  ): Promise<AttemptsRead> {
    const account = await accounts.of(session)
    if (areFresh(call, session, isTerminal(session), freshness)) return session
    if (!account.client.listAttempts) return withAttemptsRead(session)
    const { listAttempts } = account.client
    const stored = await listAttemptsOf(db, session.tenantId, 'session_id', [session.id])
    const knownReads = stored.map(({ readId }) => readId)
    return readInOrder(deps.readSequence, knownReads, async providerRead => {
      const attempts = await listAttempts({ providerId: session.providerId }, call)
      const context: SnapshotContext = { account, source: 'FETCH', providerRead, now: now() }
      const columns = { attemptsFetchedAt: providerRead.startedAt, attemptsStartedMs: providerRead.startedMs }
      await storeAndNotify(deps, session.tenantId, async trx => {
        // Locks the session, so that concurrent writes of the same attempts run one after the other.
        await findSessions(trx, session.tenantId, [session.id])
        const changes = await upsertAttempts(trx, context, attempts, { sessionId: session.id, applicantId: null })
        await updateSession(trx, session, columns)
        await recordChange(trx, { session, source: 'FETCH', at: now() }, session, session, changes)
      })
      return { sync: session.sync, ...columns }
    })
  }

  async function refreshApplicant(
    call: RequestScope,
    applicant: Applicant,
    freshness: OptionalFreshness,
  ): Promise<Refreshed> {
    const account = await accounts.find(applicant)
    if (account && !(hasAttempts(account) && account.client.capabilities.includes('GET_APPLICANT'))) {
      return { read: applicant, reason: 'UNSUPPORTED' }
    }
    if (areFresh(call, applicant, false, freshness)) return { read: applicant }
    try {
      const isRead = applicant.sync && isSince(call, deps, applicant.sync)
      return { read: withAttemptsRead(isRead ? applicant : await applicants.refetch(call, applicant, freshness)) }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      return { read: applicant, error }
    }
  }

  /** `isOver`: the record cannot change any more. Its attempts can, if they were read before the record. */
  function areFresh(call: RequestScope, read: AttemptsRead, isOver: boolean, freshness: OptionalFreshness): boolean {
    const { defaultMaxAgeSeconds } = deps
    const settled = isOver && (read.attemptsStartedMs ?? 0) >= (read.sync?.startedMs ?? 0)
    return isFresh(call, deps, { freshness, read: toStoredRead(read), settled, defaultMaxAgeSeconds })
  }

  return {
    findMany,
    ofSessions,
    ofApplicants,
    parsePage: (owner, args) => parseAttemptPage(cursors, owner, args),
    toConnection: async (owner, list, page) => list && toAttemptConnection(cursors, owner, list, page),
  }
}

function hasAttempts({ client }: Account): boolean {
  return client.capabilities.includes('ATTEMPTS')
}

/** A record whose read had no attempts at all: it has none. */
function withAttemptsRead({ sync, attemptsFetchedAt, attemptsStartedMs }: AttemptsRead): AttemptsRead {
  if (attemptsFetchedAt || !sync) return { sync, attemptsFetchedAt, attemptsStartedMs }
  return { sync, attemptsFetchedAt: sync.fetchedAt, attemptsStartedMs: sync.startedMs }
}
