import type { Database } from '../../../db/core/database.ts'
import { assertLocked, lockOwners } from '../../../db/core/record-locks.ts'
import {
  type ApplicantChange,
  findApplicantByProviderId,
  type StoredApplicant,
  updateApplicant,
} from '../../../db/records/applicant-repository.ts'
import type { StoredAttempt } from '../../../db/records/attempt-repository.ts'
import { findCustomers } from '../../../db/records/customer-repository.ts'
import type { Details } from '../../domain/json.ts'
import { type ApplicantSnapshot, type ApplicantStatus, isSettled } from '../../domain/records/applicant.ts'
import { preserveKnown } from '../../domain/records/decision.ts'
import { takeOwnership, toOwnershipChange } from '../../domain/records/ownership.ts'
import type { RecordLink } from '../../domain/records/record-link.ts'
import type { Account } from '../accounts/account.ts'
import { nextApplicantPollAt } from '../jobs/poll-schedule.ts'
import { assertNotErased, isErased } from '../privacy/tombstones.ts'
import { APPLICANT_REPOSITORY, insertUnread, mergePii, writeOwner } from './owner-record.ts'
import {
  attemptsReadColumnsOf,
  isAlreadyStored,
  type LinkTarget,
  mergeDetails,
  newTo,
  readColumnsOf,
  type SnapshotContext,
} from './snapshot-context.ts'
import { areAttemptsUnchanged, findStoredAttempts, upsertAttempts } from './upsert-attempts.ts'
import { upsertLinkedCustomer } from './upsert-customer.ts'

/** `externalId`: the value that the caller of a create gave. */
export async function upsertApplicant(
  db: Database,
  context: SnapshotContext,
  snapshot: ApplicantSnapshot,
  externalId?: string | null,
): Promise<StoredApplicant> {
  const { account } = context
  const { providerId } = snapshot
  const locks = await lockOwners(db, {
    accountId: account.id,
    applicantProviderIds: [providerId],
    customerProviderIds: snapshot.customer && [snapshot.customer.providerId],
  })
  const stored = await findApplicantByProviderId(db, account.id, providerId)
  assertLocked(locks, stored ?? {})
  if (!stored) await assertNotErased(db, context, 'applicant', snapshot)
  const customer = snapshot.customer
    ? await upsertLinkedCustomer(db, context, snapshot.customer)
    : await findCustomer(db, account.tenantId, stored?.customerId)
  const claims = [externalId, reportedExternalId(snapshot, externalId)]
  const ownership = toOwnershipChange(takeOwnership(stored, claims, [], [customer?.externalId]), false)
  const reported = toApplicantChange(context, snapshot, stored)
  const change = {
    ...reported,
    ...firstPoll(context, reported, stored),
    ...ownership,
    customerId: snapshot.customer && customer?.id,
  }
  const write = { stored, providerId, change, ownership }
  const written = await writeOwner<StoredApplicant, ApplicantChange>(db, APPLICANT_REPOSITORY, context, write)
  const owner = { sessionId: null, applicantId: written.id }
  await upsertAttempts(db, context, snapshot.attempts ?? [], owner)
  return written
}

/** Starts the polling of a new applicant, and of one that continues after its decision. */
function firstPoll(
  { account, now }: SnapshotContext,
  reported: PolledState,
  stored: StoredApplicant | undefined,
): ApplicantChange {
  const applicant = { ...reported, sync: reported }
  if (stored?.sync && !(isSettled(stored) && !isSettled(applicant))) return {}
  const state = { polls: 0, isFollowed: false, now }
  return { nextPollAt: account.client.getApplicant ? nextApplicantPollAt(applicant, state) : null, polls: 0 }
}

type PolledState = Pick<ReturnType<typeof toApplicantChange>, 'outcome' | 'source' | 'status' | 'unrecognized'>

async function findCustomer(db: Database, tenantId: string, id: string | null | undefined) {
  const [customer] = id ? await findCustomers(db, tenantId, [id]) : []
  return customer
}

/** A provider may store several ids of one person: the caller's one then counts as reported. */
function reportedExternalId({ externalId, externalIds }: ApplicantSnapshot, created: string | null | undefined) {
  return created != null && externalIds?.includes(created) ? created : externalId
}

function toApplicantChange(context: SnapshotContext, snapshot: ApplicantSnapshot, stored: StoredApplicant | undefined) {
  const { account, now } = context
  const { status, outcome } = preserveKnown<ApplicantStatus>(stored, snapshot)
  return {
    parentProviderId: snapshot.parentProviderId ?? undefined,
    status,
    outcome,
    unrecognized: snapshot.unrecognized ?? false,
    providerStatus: snapshot.providerStatus,
    pii: mergePii(stored, snapshot, PII_FIELDS),
    createdAt: snapshot.createdAt ?? stored?.createdAt ?? now,
    updatedAt: snapshot.updatedAt ?? (stored?.status === status ? stored.updatedAt : now),
    ...attemptsReadColumnsOf(context, snapshot.attempts),
    ...readColumnsOf(context),
    source: context.source,
    details: mergeDetails(account.details.applicant, stored?.details, snapshot.details),
  }
}

const PII_FIELDS = ['email', 'firstName', 'lastName', 'phone'] as const

/** The stored attempts of the snapshot if it equals the stored applicant. Undefined if it differs. */
export async function compareApplicant(
  db: Database,
  context: SnapshotContext,
  stored: StoredApplicant,
  snapshot: ApplicantSnapshot,
): Promise<readonly StoredAttempt[] | undefined> {
  if (snapshot.customer) return undefined
  const attempts = await findStoredAttempts(db, context, snapshot.attempts)
  const { pii, ...reported } = toApplicantChange(context, snapshot, stored)
  const change = { ...reported, ...toOwnershipChange(takeOwnership(stored, [snapshot.externalId]), false) }
  const isSame =
    stored.sync?.source === context.source &&
    change.unrecognized === (stored.sync.unrecognized ?? false) &&
    isAlreadyStored(stored, { ...change, ...pii }, COMPARED_FIELDS) &&
    areAttemptsUnchanged(context, attempts, snapshot.attempts)
  return isSame ? [...attempts.values()] : undefined
}

const COMPARED_FIELDS = [
  ...PII_FIELDS,
  'createdAt',
  'details',
  'externalId',
  'outcome',
  'parentProviderId',
  'providerStatus',
  'status',
  'updatedAt',
] as const

/** Stores the applicant that a session links. Undefined for an erased one. */
export async function upsertLinkedApplicant(
  db: Database,
  context: SnapshotContext,
  link: RecordLink<ApplicantSnapshot>,
): Promise<LinkTarget | undefined> {
  const { parentProviderId = null, providerId, snapshot } = link
  const stored = await findApplicantByProviderId(db, context.account.id, providerId)
  if (!stored && (await isErased(db, context, 'applicant', snapshot ?? link))) return undefined
  if (snapshot) return upsertApplicant(db, context, snapshot)
  const details = link.details && mergeDetails(context.account.details.applicant, stored?.details, link.details)
  if (!stored) {
    return insertUnread(db, APPLICANT_REPOSITORY, context, providerId, { parentProviderId, details: details ?? {} })
  }
  if (details) await updateApplicant(db, stored, newTo(stored, { details }))
  return stored
}

/** Stores details that only a webhook has: later reads keep them. */
export async function upsertApplicantDetails(
  db: Database,
  account: Account,
  applicant: StoredApplicant,
  reported: Details,
): Promise<void> {
  const details = mergeDetails(account.details.applicant, applicant.details, reported)
  await updateApplicant(db, applicant, newTo(applicant, { details }))
}
