import { v7 as uuid } from 'uuid'
import type { Database } from '../../../db/core/database.ts'
import { reviseOwners } from '../../../db/core/revision.ts'
import {
  findAttemptsByProviderId,
  markAttempts,
  type StoredAttempt,
  saveAttempt,
} from '../../../db/records/attempt-repository.ts'
import type { Attempt, AttemptSnapshot } from '../../domain/records/attempt.ts'
import type { AttemptChange } from '../events/timeline.ts'
import { isAlreadyStored, isNewer, mergeDetails, type SnapshotContext } from './snapshot-context.ts'

interface Owner {
  readonly sessionId: string | null
  readonly applicantId: string | null
}

/** Stores the reported attempts of one owner. Returns the status changes. */
export async function upsertAttempts(
  db: Database,
  context: SnapshotContext,
  reported: readonly AttemptSnapshot[],
  owner: Owner,
): Promise<AttemptChange[]> {
  if (reported.length === 0) return []
  const { account, providerRead, now } = context
  const filed = { tenantId: account.tenantId, accountId: account.id, provider: account.provider, ...owner }
  const known = await findStoredAttempts(db, context, reported)
  const attempts = new Map(reported.map(attempt => [attempt.providerId, attempt]))
  const isSame = (attempt: AttemptSnapshot) =>
    areAttemptsUnchanged(context, known, [attempt]) && isOwned(known.get(attempt.providerId), owner)
  const changed = [...attempts.values()].filter(attempt => !isSame(attempt) && isNews(context, known, attempt))
  const current = [...known.values()].filter(({ providerId, readId }) => {
    return isSame(attempts.get(providerId) as AttemptSnapshot) && providerRead.compareTo(readId) === 'LATER'
  })
  for (const attempt of changed) {
    const before = known.get(attempt.providerId)
    const details = mergeDetails(account.details.attempt, before?.details, attempt.details)
    const stored = { ...preserveKnownResult(before, attempt), details, id: uuid() }
    await saveAttempt(db, filed, stored, before, { id: providerRead.id, now })
  }
  await markAttempts(
    db,
    current.map(({ id }) => id),
    providerRead.id,
  )
  if (changed.length === 0) return []
  const before = changed.map(({ providerId }) => known.get(providerId))
  await reviseOwners(db, {
    applicants: [owner, ...before].map(each => each?.applicantId),
    sessions: [owner, ...before].map(each => each?.sessionId),
  })
  const after = await findAttemptsByProviderId(
    db,
    account.id,
    changed.map(({ providerId }) => providerId),
  )
  return [...after.values()].flatMap(({ id, providerId, status: to }) => {
    const from = known.get(providerId)?.status ?? null
    return from === to ? [] : [{ attemptId: id, from, to }]
  })
}

/** An unknown status does not overwrite a known result. */
function preserveKnownResult(known: Attempt | undefined, reported: AttemptSnapshot): AttemptSnapshot {
  if (!known || reported.status !== 'UNKNOWN') return reported
  const { status, failureCode, riskScore, completedAt } = known
  return { ...reported, status, failureCode, riskScore, completedAt }
}

/** True if the attempt is already stored for this owner. */
function isOwned(attempt: StoredAttempt | undefined, { sessionId, applicantId }: Owner): boolean {
  return (sessionId === null || attempt?.sessionId != null) && (applicantId === null || attempt?.applicantId != null)
}

/** True if no later answer is stored. */
function isNews(
  context: SnapshotContext,
  known: ReadonlyMap<string, StoredAttempt>,
  { providerId }: AttemptSnapshot,
): boolean {
  const stored = known.get(providerId)
  return !stored || isNewer(context, stored.readId)
}

/** The stored attempts among the reported ones, by provider id. */
export function findStoredAttempts(
  db: Database,
  { account }: SnapshotContext,
  attempts: readonly AttemptSnapshot[] = [],
): Promise<ReadonlyMap<string, StoredAttempt>> {
  return findAttemptsByProviderId(
    db,
    account.id,
    attempts.map(attempt => attempt.providerId),
  )
}

/** True if all reported attempts equal the stored ones. */
export function areAttemptsUnchanged(
  { account }: SnapshotContext,
  known: ReadonlyMap<string, Attempt>,
  attempts: readonly AttemptSnapshot[] = [],
): boolean {
  return attempts.every(({ createdAt, updatedAt, ...snapshot }) => {
    const attempt = known.get(snapshot.providerId)
    if (!attempt) return false
    const reported = preserveKnownResult(attempt, snapshot)
    const details = mergeDetails(account.details.attempt, attempt.details, reported.details)
    const change = { ...reported, details, createdAt: createdAt ?? undefined, updatedAt: updatedAt ?? undefined }
    return isAlreadyStored(attempt, { ...change, completedAt: reported.completedAt ?? null }, COMPARED_FIELDS)
  })
}

const COMPARED_FIELDS = [
  'completedAt',
  'createdAt',
  'details',
  'failureCode',
  'kind',
  'providerStatus',
  'riskScore',
  'status',
  'updatedAt',
] as const
