import type { Database } from '../../../db/core/database.ts'
import { reviseOwners } from '../../../db/core/revision.ts'
import { findApplicantByProviderId, updateApplicant } from '../../../db/records/applicant-repository.ts'
import { findAttemptsByProviderId, updateAttemptDetails } from '../../../db/records/attempt-repository.ts'
import { findSessionByProviderId, updateSession } from '../../../db/records/session-repository.ts'
import { NotFoundError } from '../../domain/errors.ts'
import type { Details } from '../../domain/json.ts'
import { type ApplicantSnapshot, isSettled } from '../../domain/records/applicant.ts'
import { isTerminal, type Session } from '../../domain/records/session.ts'
import type { WebhookNotice } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import { type ServiceDeps, storeAndNotify } from '../deps.ts'
import { recordChange } from '../events/timeline.ts'
import { asLatest } from '../snapshots/read-sequence.ts'
import { mergeDetails, type SnapshotContext } from '../snapshots/snapshot-context.ts'
import { upsertApplicant } from '../snapshots/upsert-applicant.ts'
import { upsertAttempts } from '../snapshots/upsert-attempts.ts'
import { upsertSession } from '../snapshots/upsert-session.ts'

/** What a webhook notice changes in the store. Each function but the first is a step of a transaction. */

/** Stored before any fetch, which can fail for long: the provider does not send this content again. */
export async function storeOnlyCopy(
  deps: ServiceDeps,
  context: SnapshotContext,
  sessions: readonly Session[],
  notice: WebhookNotice,
): Promise<void> {
  const { account } = context
  await storeAndNotify(deps, account.tenantId, async trx => {
    for (const session of sessions) {
      await addToSession(trx, account, session, notice)
      if (notice.attempt) await addToAttempt(trx, context, session, notice.attempt)
    }
  })
}

/**
 * Stores the notice's snapshot of a session that cannot be read. Of two notices the one with the later event counts, by the
 * provider's clock. True if it was applied.
 */
export async function replaceSession(
  db: Database,
  context: SnapshotContext,
  { session, occurredAt }: WebhookNotice,
): Promise<boolean> {
  if (!session) return false
  const known = await findSessionByProviderId(db, context.account.id, session.providerId)
  const ends = isTerminal({ status: session.status, sync: context })
  if (known && isSuperseded(occurredAt, ends, { providerEventAt: known.providerEventAt, isOver: isTerminal(known) }))
    return false
  // Only the event time orders notices, not their receipt.
  const providerRead = asLatest(context.providerRead)
  const stored = await upsertSession(db, { ...context, providerRead }, session)
  if (occurredAt) await updateSession(db, stored, { providerEventAt: occurredAt })
  return true
}

/**
 * Stores the notice's snapshot of an applicant that cannot be read. Of two notices the one with the later event counts, by
 * the provider's clock.
 */
export async function replaceApplicant(
  db: Database,
  context: SnapshotContext,
  reported: ApplicantSnapshot,
  { occurredAt }: WebhookNotice,
): Promise<void> {
  const known = await findApplicantByProviderId(db, context.account.id, reported.providerId)
  const ends = isSettled({ ...reported, sync: context })
  if (known && isSuperseded(occurredAt, ends, { providerEventAt: known.providerEventAt, isOver: isSettled(known) }))
    return
  const providerRead = asLatest(context.providerRead)
  const stored = await upsertApplicant(db, { ...context, providerRead }, reported)
  if (occurredAt) await updateApplicant(db, stored, { providerEventAt: occurredAt })
}

interface EarlierNotice {
  /** The time of the stored event. */
  readonly providerEventAt: Date | null
  /** True if the stored event ended the record. */
  readonly isOver: boolean
}

/** Yorlet's times are in seconds: of two events in the same second, the one that ended the record is the later one. */
function isSuperseded(
  occurredAt: Date | undefined,
  ends: boolean,
  { providerEventAt, isOver }: EarlierNotice,
): boolean {
  if (!providerEventAt || !occurredAt || occurredAt > providerEventAt) return false
  return occurredAt < providerEventAt || (isOver && !ends)
}

/**
 * Adds the details that only the notice has to a session that was just fetched. Of two notices with details the one with the
 * later event counts, by the provider's clock. A notice without a time can be a late or repeated one, so it only adds details
 * that are not known. False if this one is older.
 */
export async function addToSession(
  db: Database,
  account: Account,
  { providerId }: Session,
  { session: reported, occurredAt }: WebhookNotice,
): Promise<boolean> {
  const known = await findSessionByProviderId(db, account.id, providerId)
  if (!known || !reported || Object.keys(reported.details).length === 0) return true
  if (occurredAt && known.providerEventAt && occurredAt < known.providerEventAt) return false
  const added = occurredAt ? reported.details : omitKnown(reported.details, known.details)
  const details = mergeDetails(account.details.session, known.details, added)
  await updateSession(db, known, { details, providerEventAt: occurredAt })
  return true
}

/** Without the details that are stored already. Nothing, or an empty list or object, is not known. */
function omitKnown(reported: Details, known: Details): Details {
  return Object.fromEntries(Object.entries(reported).filter(([name]) => isEmpty(known[name])))
}

function isEmpty(value: unknown): boolean {
  return value == null || (typeof value === 'object' && Object.keys(value).length === 0)
}

/**
 * Stores the attempt details that only a delivery has, such as shared claims. Throws NOT_FOUND if the attempt is not stored
 * and the delivery has no snapshot of it.
 */
export async function addToAttempt(
  db: Database,
  context: SnapshotContext,
  session: Session,
  { providerId, details, snapshot }: NonNullable<WebhookNotice['attempt']>,
): Promise<void> {
  const { account } = context
  const attempt = (await findAttemptsByProviderId(db, account.id, [providerId])).get(providerId)
  if (attempt) {
    await reviseOwners(db, { applicants: [attempt.applicantId], sessions: [attempt.sessionId] })
    const merged = mergeDetails(account.details.attempt, attempt.details, omitKnown(details, attempt.details))
    return updateAttemptDetails(db, attempt, merged)
  }
  if (!snapshot)
    throw new NotFoundError(
      'The attempt of the webhook is not stored, and the webhook has no data to create it from. Read the session, then replay the webhook.',
    )
  const changes = await upsertAttempts(db, context, [snapshot], { sessionId: session.id, applicantId: null })
  await recordChange(db, { session, source: 'WEBHOOK', at: context.now }, session, session, changes)
}
