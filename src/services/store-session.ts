import { v7 as uuid } from 'uuid'
import type { Database } from '../../db/database.ts'
import type { SessionChange, StoredSession } from '../../db/session-columns.ts'
import { findSessionByProviderId, insertSession, updateSession } from '../../db/session-repository.ts'
import type { JsonObject } from '../domain/json.ts'
import type { SessionAccess, SessionSnapshot } from '../domain/session.ts'
import { refuseErased } from './erased.ts'
import { nextPollAt } from './poll-schedule.ts'
import { isRepeat } from './repeats.ts'
import { holds, keyOf, mergeDetails, type Said, toExternalId } from './said.ts'
import { storeLinkedApplicant } from './store-applicant.ts'
import { areAttemptsUnchanged, findTold, storeAttempts } from './store-attempts.ts'
import { storeLinkedCustomer } from './store-customer.ts'
import { recordChange } from './timeline.ts'

/** What the caller of a create said about the session, which the provider does not keep for us. */
export interface SessionOrigin {
  readonly externalId?: string | null
  readonly externalIdPinned?: boolean
  readonly metadata?: JsonObject | null
  /** Links that the caller asked for: the provider's own never replaces them. */
  readonly applicantId?: string | null
  readonly customerId?: string | null
}

export async function storeSession(
  db: Database,
  said: Said,
  snapshot: SessionSnapshot,
  origin: SessionOrigin = {},
): Promise<StoredSession> {
  const { account } = said
  const known = await findSessionByProviderId(db, account.id, snapshot.providerId)
  if (!known)
    await refuseErased(db, said, 'session', { ...snapshot, externalId: origin.externalId ?? snapshot.externalId })
  const applicant = snapshot.applicant && (await storeLinkedApplicant(db, said, snapshot.applicant))
  const customer = snapshot.customer && (await storeLinkedCustomer(db, said, snapshot.customer))
  const id = known?.id ?? uuid()
  const inherited =
    (origin.applicantId || known?.applicantPinned ? null : applicant?.externalId) ??
    (origin.customerId || known?.customerPinned ? null : customer?.externalId)
  const change = {
    ...toSessionChange(said, snapshot, known),
    externalId: toExternalId(known, origin.externalId, snapshot.externalId, inherited),
    externalIdPinned: origin.externalIdPinned || undefined,
    applicantId: known?.applicantPinned ? undefined : (origin.applicantId ?? applicant?.id),
    customerId: known?.customerPinned ? undefined : (origin.customerId ?? customer?.id),
    applicantPinned: origin.applicantId ? true : undefined,
    customerPinned: origin.customerId ? true : undefined,
    metadata: origin.metadata,
    nextPollAt: known ? undefined : firstPollAt(said, snapshot),
  }
  const stored = known
    ? await updateKnown(db, known, said, change)
    : await insertSession(db, { ...change, ...keyOf(said, id, snapshot.providerId), livemode: account.livemode })
  const owner = { sessionId: id, applicantId: applicant?.id ?? null }
  const attempts = await storeAttempts(db, said, snapshot.attempts ?? [], owner)
  await recordChange(db, { session: stored, source: change.source, at: said.now }, known, stored, attempts)
  return stored
}

/**
 * True where an answer says what is stored, so that only the time it came is new. One that names other records, or is the
 * first since the session's time was over, is stored whole.
 */
export async function isSessionUnchanged(
  db: Database,
  said: Said,
  known: StoredSession,
  snapshot: SessionSnapshot,
): Promise<boolean> {
  const { expiresAt, sync } = known
  if (snapshot.applicant || snapshot.customer) return false
  if (expiresAt && sync.fetchedAt < expiresAt && expiresAt <= said.now) return false
  const attempts = await findTold(db, said, snapshot.attempts)
  return isRepeat([known, ...attempts.values()], said, snapshot, () => {
    const change = {
      ...toSessionChange(said, snapshot, known),
      externalId: toExternalId(known, snapshot.externalId),
    }
    return (
      change.source === sync.source &&
      holds(known, change, COMPARED) &&
      areAttemptsUnchanged(said, attempts, snapshot.attempts)
    )
  })
}

const COMPARED = [
  'access',
  'completedAt',
  'createdAt',
  'details',
  'expiresAt',
  'externalId',
  'outcome',
  'providerStatus',
  'redirectUrl',
  'status',
  'updatedAt',
] as const

/** Where a webhook overtook the answer of the create, the answer is old news, but for what only a create tells. */
async function updateKnown(
  db: Database,
  { id, accountId, providerId }: StoredSession,
  said: Said,
  change: SessionChange,
): Promise<StoredSession> {
  const applied = await updateSession(db, id, change)
  if (!applied && said.source === 'CREATE') await updateSession(db, id, toldByCreate(change))
  const stored = await findSessionByProviderId(db, accountId, providerId)
  if (!stored) throw new Error('A session that was just stored is gone.')
  return stored
}

function toldByCreate(change: SessionChange): SessionChange {
  const { access, externalId, externalIdPinned, metadata, applicantId, customerId, applicantPinned, customerPinned } =
    change
  return {
    access,
    externalId,
    externalIdPinned,
    metadata,
    applicantId,
    customerId,
    applicantPinned,
    customerPinned,
  }
}

/** A session that can be read is looked at again by itself, from its beginning on. */
function firstPollAt({ account, now }: Said, snapshot: SessionSnapshot): Date | null {
  if (!account.client.getSession) return null
  const sync = { fetchedAt: now, stale: false, source: 'CREATE', lastError: null } as const
  const session = { status: snapshot.status, expiresAt: snapshot.expiresAt ?? null, sync }
  return nextPollAt(session, { polls: 0, watched: false, now })
}

function toSessionChange(said: Said, snapshot: SessionSnapshot, known: StoredSession | undefined) {
  const { now } = said
  const details = mergeDetails(said.account.details.session, known?.details, snapshot.details)
  const changed =
    known?.status !== snapshot.status ||
    known.outcome !== snapshot.outcome ||
    JSON.stringify(known.details) !== JSON.stringify(details)
  return {
    status: snapshot.status,
    outcome: snapshot.outcome,
    providerStatus: snapshot.providerStatus,
    redirectUrl: snapshot.redirectUrl,
    createdAt: snapshot.createdAt ?? known?.createdAt ?? now,
    updatedAt: snapshot.updatedAt ?? (changed ? now : (known?.updatedAt ?? now)),
    expiresAt: snapshot.expiresAt,
    completedAt: snapshot.completedAt,
    access: snapshot.access && mergeAccess(known?.access, snapshot.access),
    attemptsFetchedAt: snapshot.attempts && now,
    fetchedAt: now,
    beganAt: said.beganAt,
    source: snapshot.derived ? ('DERIVED' as const) : said.source,
    details,
  }
}

/** The create tells more than any read: its link may carry a token that later ones lack. */
function mergeAccess(known: SessionAccess | null | undefined, told: SessionAccess): SessionAccess {
  return {
    hostedUrl: known?.hostedUrl ?? told.hostedUrl,
    token: known?.token ?? told.token,
    cancelToken: known?.cancelToken ?? told.cancelToken,
    expiresAt: known?.expiresAt ?? told.expiresAt,
  }
}
