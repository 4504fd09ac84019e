import { v7 as uuid } from 'uuid'
import { findAttemptsByProviderId, type StoredAttempt, saveAttempt } from '../../db/attempt-repository.ts'
import type { Database } from '../../db/database.ts'
import type { Attempt, AttemptSnapshot } from '../domain/attempt.ts'
import { holds, mergeDetails, type Said } from './said.ts'
import type { AttemptChange } from './timeline.ts'

/** Stores what was told of the attempts of one owner. Gives those whose status is now another. */
export async function storeAttempts(
  db: Database,
  said: Said,
  attempts: readonly AttemptSnapshot[],
  owner: { readonly sessionId: string | null; readonly applicantId: string | null },
): Promise<AttemptChange[]> {
  if (attempts.length === 0) return []
  const { account, beganAt, now } = said
  const filed = { tenantId: account.tenantId, accountId: account.id, provider: account.provider, ...owner }
  const ids = attempts.map(attempt => attempt.providerId)
  const before = await findAttemptsByProviderId(db, account.id, ids)
  for (const attempt of attempts) {
    const details = mergeDetails(account.details.attempt, before.get(attempt.providerId)?.details, attempt.details)
    await saveAttempt(db, filed, { ...attempt, details, id: uuid() }, beganAt, now)
  }
  const after = await findAttemptsByProviderId(db, account.id, ids)
  return [...after.values()].flatMap(({ id, providerId, status: to }) => {
    const from = before.get(providerId)?.status ?? null
    return from === to ? [] : [{ attemptId: id, from, to }]
  })
}

/** What is stored of the attempts that were told, by the provider's ids. */
export function findTold(
  db: Database,
  { account }: Said,
  attempts: readonly AttemptSnapshot[] = [],
): Promise<ReadonlyMap<string, StoredAttempt>> {
  return findAttemptsByProviderId(
    db,
    account.id,
    attempts.map(attempt => attempt.providerId),
  )
}

/** True where all that was told of the attempts is stored. */
export function areAttemptsUnchanged(
  { account }: Said,
  known: ReadonlyMap<string, Attempt>,
  attempts: readonly AttemptSnapshot[] = [],
): boolean {
  return attempts.every(({ createdAt, updatedAt, ...told }) => {
    const attempt = known.get(told.providerId)
    if (!attempt) return false
    const details = mergeDetails(account.details.attempt, attempt.details, told.details)
    const change = { ...told, details, createdAt: createdAt ?? undefined, updatedAt: updatedAt ?? undefined }
    return holds(attempt, { ...change, completedAt: told.completedAt ?? null }, COMPARED)
  })
}

const COMPARED = [
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
