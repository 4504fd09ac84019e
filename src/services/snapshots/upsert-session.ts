import { v7 as uuid } from 'uuid'
import type { Database } from '../../../db/core/database.ts'
import { assertLocked } from '../../../db/core/record-locks.ts'
import type { StoredAttempt } from '../../../db/records/attempt-repository.ts'
import type { SessionChange, StoredSession } from '../../../db/records/session-columns.ts'
import { findSessionByProviderId, insertSession, updateSession } from '../../../db/records/session-repository.ts'
import { preserveKnown } from '../../domain/records/decision.ts'
import { takeOwnership, toOwnershipChange } from '../../domain/records/ownership.ts'
import {
  isTerminal,
  type SessionAccess,
  type SessionSnapshot,
  type SessionStatus,
} from '../../domain/records/session.ts'
import { recordChange, recordEvents } from '../events/timeline.ts'
import { nextPollAt } from '../jobs/poll-schedule.ts'
import { assertNotErased, providerNotFound } from '../privacy/tombstones.ts'
import {
  areLinksUnchanged,
  findRequested,
  isAboutErased,
  isOfAnother,
  lockNamed,
  ownerOfSession,
  type SessionOrigin,
  storeLinks,
  withoutEcho,
} from './session-owner.ts'
import {
  attemptsReadColumnsOf,
  isAlreadyStored,
  isNewer,
  type LinkTarget,
  mergeDetails,
  newTo,
  readColumnsOf,
  recordKeyOf,
  type SnapshotContext,
} from './snapshot-context.ts'
import { areAttemptsUnchanged, findStoredAttempts, upsertAttempts } from './upsert-attempts.ts'

const NO_ORIGIN: SessionOrigin = {}

export async function upsertSession(
  db: Database,
  context: SnapshotContext,
  snapshot: SessionSnapshot,
  origin: SessionOrigin = {},
): Promise<StoredSession> {
  const { account, source, now: at } = context
  const locks = await lockNamed(db, context, snapshot, origin)
  const known = await findSessionByProviderId(db, account.id, snapshot.providerId)
  assertLocked(locks, known ?? {})
  if (!known)
    await assertNotErased(db, context, 'session', { ...snapshot, externalId: origin.externalId ?? snapshot.externalId })
  const belongsToOther = isOfAnother(known, origin)
  const accepted = belongsToOther ? NO_ORIGIN : origin
  const requested = await findRequested(db, account.tenantId, accepted)
  const reported = withoutEcho(snapshot, accepted, requested)
  const links = await storeLinks(db, context, reported)
  if (!known && (await isAboutErased(db, context, reported, links))) throw providerNotFound(account)
  const owner = await ownerOfSession(db, context, known, reported, { origin: accepted, requested, links })
  const id = known?.id ?? uuid()
  const state = toSessionChange(context, withInherited(context, snapshot, links.applicant), known)
  const change = {
    ...state,
    ...firstPoll(context, state, known),
    ...(owner && toOwnershipChange(owner, accepted.externalIdPinned ?? false)),
    applicantId: known?.applicantPinned ? undefined : (requested.applicant ?? links.applicant)?.id,
    customerId: known?.customerPinned ? undefined : (requested.customer ?? links.customer)?.id,
    applicantPinned: requested.applicant && true,
    customerPinned: requested.customer && true,
    metadata: accepted.metadata,
  }
  const stored = known
    ? await updateExisting(db, known, context, change)
    : await insertSession(db, {
        ...change,
        ...recordKeyOf(context, id, snapshot.providerId),
        testMode: account.testMode,
      })
  const attempts = await upsertAttempts(db, context, snapshot.attempts ?? [], {
    sessionId: id,
    applicantId: links.applicant?.id ?? null,
  })
  await recordChange(db, { session: stored, source: change.source, at }, known, stored, attempts)
  if (belongsToOther || (owner?.isContradicted && stored.externalId === null))
    await recordEvents(db, { session: stored, source, at }, [{ type: 'ExternalIdConflict' }])
  return stored
}

/** Adds the details that a session inherits from its applicant. */
function withInherited(
  { account }: SnapshotContext,
  snapshot: SessionSnapshot,
  applicant: LinkTarget | undefined,
): SessionSnapshot {
  const inherited = (account.details.inherited ?? []).map(name => [name, applicant?.details?.[name]] as const)
  const known = Object.fromEntries(inherited.filter(([, value]) => value != null))
  const reported = Object.fromEntries(Object.entries(snapshot.details).filter(([, value]) => value != null))
  return inherited.length === 0 ? snapshot : { ...snapshot, details: { ...snapshot.details, ...known, ...reported } }
}

/**
 * The stored attempts of the snapshot if it and its linked records equal what is stored. Undefined if something differs, and
 * for the first answer after the session's expiry time.
 */
export async function compareSession(
  db: Database,
  context: SnapshotContext,
  known: StoredSession,
  snapshot: SessionSnapshot,
): Promise<readonly StoredAttempt[] | undefined> {
  const { expiresAt, sync } = known
  if (expiresAt && sync.fetchedAt < expiresAt && expiresAt <= context.now) return undefined
  if (!(await areLinksUnchanged(db, context, known, snapshot))) return undefined
  const attempts = await findStoredAttempts(db, context, snapshot.attempts)
  const change = {
    ...toSessionChange(context, snapshot, known),
    ...toOwnershipChange(takeOwnership(known, [snapshot.externalId]), false),
  }
  const isSame =
    change.source === sync.source &&
    change.unrecognized === (sync.unrecognized ?? false) &&
    isAlreadyStored(known, change, COMPARED_FIELDS) &&
    areAttemptsUnchanged(context, attempts, snapshot.attempts)
  return isSame ? [...attempts.values()] : undefined
}

const COMPARED_FIELDS = [
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

/** If a webhook was stored before the create's answer, only the fields that no other answer has are updated. */
async function updateExisting(
  db: Database,
  known: StoredSession,
  context: SnapshotContext,
  change: SessionChange,
): Promise<StoredSession> {
  const { accountId, providerId, sync } = known
  if (isNewer(context, sync.readId)) await updateSession(db, known, newTo(known, change))
  else if (context.source === 'CALLER') await updateSession(db, known, newTo(known, callerFieldsOf(change)))
  const stored = await findSessionByProviderId(db, accountId, providerId)
  if (!stored) throw new Error('The session is missing in the transaction that stored it.')
  return stored
}

/** The fields that the create's caller determines. They are stored also if a newer read is stored already. */
function callerFieldsOf(change: SessionChange): SessionChange {
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

/** Starts the polling of a new session, and of one that continues after it had ended. */
function firstPoll(
  { account, now }: SnapshotContext,
  reported: PolledState,
  known: StoredSession | undefined,
): SessionChange {
  const session = { status: reported.status, expiresAt: reported.expiresAt ?? null, sync: reported }
  const wasTerminal = known && (isTerminal(known) || (known.nextPollAt === null && known.status !== reported.status))
  if (known && !(wasTerminal && !isTerminal(session))) return {}
  return {
    nextPollAt: account.client.getSession ? nextPollAt(session, { polls: 0, isFollowed: false, now }) : null,
    polls: 0,
  }
}

type PolledState = Pick<ReturnType<typeof toSessionChange>, 'expiresAt' | 'source' | 'status' | 'unrecognized'>

function toSessionChange(context: SnapshotContext, snapshot: SessionSnapshot, known: StoredSession | undefined) {
  const { now } = context
  const { status, outcome } = preserveKnown<SessionStatus>(known, snapshot)
  const isPreserved = status !== snapshot.status || outcome !== snapshot.outcome
  const details = mergeDetails(context.account.details.session, known?.details, snapshot.details)
  const changed =
    known?.status !== status || known.outcome !== outcome || JSON.stringify(known.details) !== JSON.stringify(details)
  return {
    status,
    outcome,
    unrecognized: snapshot.unrecognized ?? false,
    providerStatus: snapshot.providerStatus,
    redirectUrl: snapshot.redirectUrl,
    createdAt: snapshot.createdAt ?? known?.createdAt ?? now,
    updatedAt: snapshot.updatedAt ?? (changed ? now : (known?.updatedAt ?? now)),
    expiresAt: snapshot.expiresAt,
    completedAt: isPreserved ? (snapshot.completedAt ?? undefined) : snapshot.completedAt,
    access: toAccess(snapshot, known),
    ...attemptsReadColumnsOf(context, snapshot.attempts),
    ...readColumnsOf(context),
    source: snapshot.derived ? ('DERIVED' as const) : context.source,
    details,
  }
}

/**
 * The newest hosted link and tokens. Only a create's answer has tokens, also inside its link, so a link without a token does
 * not replace one with a token. A session that has ended does not get deleted access data back.
 */
function toAccess({ access, status }: SessionSnapshot, known: StoredSession | undefined): SessionAccess | undefined {
  if (!access || !known) return access
  const before = known.access
  if (!before) return isTerminalState(known.status) && !isOpen(status) ? undefined : access
  const linkOf = hasToken(before) && !hasToken(access) ? before : access
  return {
    hostedUrl: linkOf.hostedUrl ?? access.hostedUrl ?? before.hostedUrl,
    sdkToken: access.sdkToken ?? before.sdkToken,
    cancelToken: access.cancelToken ?? before.cancelToken,
    expiresAt: access.expiresAt ?? before.expiresAt,
  }
}

function hasToken({ sdkToken, cancelToken }: SessionAccess): boolean {
  return sdkToken !== null || cancelToken !== null
}

function isOpen(status: SessionStatus): boolean {
  return status === 'CREATED' || status === 'IN_PROGRESS'
}

/** Also if only the clock ended it. */
function isTerminalState(status: SessionStatus): boolean {
  return status === 'COMPLETED' || status === 'CANCELED' || status === 'EXPIRED'
}
