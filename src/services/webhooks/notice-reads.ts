import { findApplicantByProviderId } from '../../../db/records/applicant-repository.ts'
import { findCustomerByProviderId } from '../../../db/records/customer-repository.ts'
import type { StoredSession } from '../../../db/records/session-columns.ts'
import { findSessionByProviderId, listSessions } from '../../../db/records/session-repository.ts'
import { LightAbortSignal } from '../../domain/abort-signal.ts'
import { NotFoundError, ProviderRejectedError, UnsupportedError } from '../../domain/errors.ts'
import type { ApplicantSnapshot } from '../../domain/records/applicant.ts'
import type { CustomerSnapshot } from '../../domain/records/customer.ts'
import type { Session } from '../../domain/records/session.ts'
import type { WebhookNotice } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import type { Operations } from '../creates/operations.ts'
import { type ServiceDeps, storeAndNotify } from '../deps.ts'
import type { Applicants } from '../records/record-definitions.ts'
import type { Sessions } from '../records/sessions.ts'
import type { RequestScope } from '../request-scope.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'
import { upsertSession } from '../snapshots/upsert-session.ts'
import { storeOnlyCopy } from './notice-writes.ts'

/** The reads that a webhook notice causes, at the provider and in the store. */

export interface WebhookDeps extends ServiceDeps {
  readonly sessions: Sessions
  readonly applicants: Applicants
  readonly operations: Operations
}

const MAX_SESSIONS = 100
/** A read from before the notice may not show its event. */
const FETCH_NOW = { maxAgeSeconds: 0, onError: 'FAIL' } as const

/** The sessions that the notice is about. One that is not stored is fetched by its id. */
export async function findTargetSessions(
  deps: WebhookDeps,
  context: SnapshotContext,
  notice: WebhookNotice,
): Promise<StoredSession[]> {
  const { db } = deps
  const { account } = context
  const { sessionProviderId, applicantProviderId } = notice
  if (sessionProviderId !== undefined) {
    const known = await findSessionByProviderId(db, account.id, sessionProviderId)
    const session = known ?? (await fetchUnknownSession(deps, context, notice, sessionProviderId))
    return session ? [session] : []
  }
  if (applicantProviderId === undefined) return []
  const applicant = await findApplicantByProviderId(db, account.id, applicantProviderId)
  if (!applicant) return []
  const page = { column: 'created_at', direction: 'desc', limit: MAX_SESSIONS } as const
  const linked = await listSessions(db, account.tenantId, { applicantId: applicant.id }, page)
  return linked.filter(session => session.accountId === account.id)
}

/**
 * Fetches and stores a session that was created outside this service. If the provider cannot read it, or if the notice is
 * the only copy of its content, the notice's snapshot is stored.
 */
async function fetchUnknownSession(
  deps: WebhookDeps,
  context: SnapshotContext,
  notice: WebhookNotice,
  providerId: string,
): Promise<StoredSession | undefined> {
  const { account } = context
  const { session, isOnlyCopy } = notice
  const atProvider = { provider: account.provider, providerId }
  try {
    await deps.sessions.get(toScope(deps, account), { atProvider }, FETCH_NOW)
  } catch (error) {
    if (session && (isOnlyCopy || error instanceof UnsupportedError)) {
      const stored = await storeAndNotify(deps, account.tenantId, trx => upsertSession(trx, context, session))
      if (isOnlyCopy) await storeOnlyCopy(deps, context, [stored], notice)
    }
    if (!(error instanceof NotFoundError || error instanceof UnsupportedError)) throw error
  }
  return findSessionByProviderId(deps.db, account.id, providerId)
}

/** Fetches the sessions again. After an only copy, which is stored already, the provider may have deleted them. */
export async function refetchSessions(
  deps: WebhookDeps,
  account: Account,
  sessions: readonly Session[],
  { isOnlyCopy }: WebhookNotice,
): Promise<void> {
  for (const session of sessions) {
    try {
      await deps.sessions.fetchNow(toScope(deps, account), session)
    } catch (error) {
      if (!(isOnlyCopy && error instanceof NotFoundError)) throw error
    }
  }
}

/** Fetches and stores the notice's applicant. Returns the notice's own snapshot if the provider cannot read it. */
export async function readApplicant(
  deps: WebhookDeps,
  account: Account,
  notice: WebhookNotice,
): Promise<ApplicantSnapshot | undefined> {
  const { applicants } = deps
  const { applicant: reported, applicantProviderId: providerId = reported?.providerId } = notice
  if (providerId === undefined) return undefined
  const known = await findApplicantByProviderId(deps.db, account.id, providerId)
  const scope = toScope(deps, account)
  const atProvider = { provider: account.provider, providerId, parentProviderId: reported?.parentProviderId }
  try {
    await (known ? applicants.fetchNow(scope, known) : applicants.get(scope, { atProvider }, FETCH_NOW))
    return undefined
  } catch (error) {
    if (error instanceof UnsupportedError) return reported
    // The provider does not have the applicant under this account.
    if (error instanceof NotFoundError || (!known && error instanceof ProviderRejectedError)) return undefined
    throw error
  }
}

/** A customer to store, with the context of its read. */
export interface ReadCustomer {
  readonly context: SnapshotContext
  readonly snapshot: CustomerSnapshot
}

/** The fetched customer; the notice's own if the provider has deleted it or cannot read it. */
export async function readCustomer(
  { db, readSequence }: WebhookDeps,
  context: SnapshotContext,
  reported: CustomerSnapshot | undefined,
): Promise<ReadCustomer | undefined> {
  if (!reported) return undefined
  const { client, id } = context.account
  const known = await findCustomerByProviderId(db, id, reported.providerId)
  const fetched = { ...context, providerRead: readSequence.start(known?.sync?.readId), once: false }
  try {
    const read = await client.getCustomer?.({ providerId: reported.providerId }, {})
    const isSame = read?.providerId === reported.providerId
    return isSame ? { context: fetched, snapshot: read } : { context, snapshot: reported }
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    return { context: fetched, snapshot: reported }
  }
}

function toScope({ readSequence }: WebhookDeps, account: Account): RequestScope {
  const signal = new LightAbortSignal()
  return { tenantId: account.tenantId, since: readSequence.sequence(), signal, source: 'WEBHOOK' }
}
