import type { Database } from '../../../db/core/database.ts'
import { lockSessions } from '../../../db/core/record-locks.ts'
import { findApplicantByProviderId } from '../../../db/records/applicant-repository.ts'
import type { StoredSession } from '../../../db/records/session-columns.ts'
import { DomainError } from '../../domain/errors.ts'
import type { ApplicantSnapshot } from '../../domain/records/applicant.ts'
import type { Session } from '../../domain/records/session.ts'
import type { WebhookNotice } from '../../providers/contract.ts'
import type { Account } from '../accounts/account.ts'
import { storeAndNotify } from '../deps.ts'
import { recordEvents } from '../events/timeline.ts'
import type { SnapshotContext } from '../snapshots/snapshot-context.ts'
import { upsertApplicantDetails } from '../snapshots/upsert-applicant.ts'
import { upsertCustomer } from '../snapshots/upsert-customer.ts'
import {
  findTargetSessions,
  type ReadCustomer,
  readApplicant,
  readCustomer,
  refetchSessions,
  type WebhookDeps,
} from './notice-reads.ts'
import { addToAttempt, addToSession, replaceApplicant, replaceSession, storeOnlyCopy } from './notice-writes.ts'

/**
 * Applies a webhook notice: settles the create that it identifies, reads what it is about at the provider, and stores the
 * rest in one transaction. A session that can be read is fetched again, and only fields that no read has are taken from the
 * notice. What no read has counts in the order of the notices' events.
 *
 * `finish` is the last step of the transaction, so that a crash does not record the notice twice. Throws if a required fetch
 * fails: the delivery is then retried.
 */
export async function applyNotice(
  deps: WebhookDeps,
  account: Account,
  notice: WebhookNotice,
  finish: (trx: Database) => Promise<unknown>,
): Promise<void> {
  const { readSequence } = deps
  // The notice counts as read now. It cannot be requested again.
  const context: SnapshotContext = {
    account,
    source: 'WEBHOOK',
    providerRead: readSequence.start(),
    now: deps.now(),
    once: true,
  }
  await settleCreate(deps, account, notice)
  const customer = await readCustomer(deps, context, notice.customer)
  await storeApplicantDetails(deps, account, notice)
  const since = readSequence.sequence()
  const sessions = await findTargetSessions(deps, context, notice)
  if (notice.isOnlyCopy) await storeOnlyCopy(deps, context, sessions, notice)
  if (canReadSessions(account)) {
    const wasJustFetched = ({ sync }: Session) => !notice.isOnlyCopy && readSequence.isSince(sync.readId, since)
    const outdated = sessions.filter(session => !wasJustFetched(session))
    await refetchSessions(deps, account, outdated, notice)
  }
  // Some providers read a session through its applicant, which is then read already.
  const wasApplicantRead = sessions.length > 0 && account.client.readsSessionsByApplicant
  const applicant = wasApplicantRead ? undefined : await readApplicant(deps, account, notice)
  if (!canReadSessions(account) && notice.session?.unrecognized) account.upstream.countUnrecognized('webhook')
  await storeAndNotify(deps, account.tenantId, async trx => {
    await storeNotice(trx, context, notice, { customer, applicant, sessions })
    await finish(trx)
  })
}

/** What a notice is about, after the reads. */
interface NoticeTargets {
  readonly customer: ReadCustomer | undefined
  /** Only if the provider cannot read it. */
  readonly applicant: ApplicantSnapshot | undefined
  readonly sessions: readonly StoredSession[]
}

/** Stores in the lock order of all writes: customer, applicant, sessions. */
async function storeNotice(
  trx: Database,
  context: SnapshotContext,
  notice: WebhookNotice,
  { customer, applicant, sessions }: NoticeTargets,
): Promise<void> {
  if (customer) await upsertCustomer(trx, customer.context, customer.snapshot)
  if (applicant) await replaceApplicant(trx, context, applicant, notice)
  const ids = sessions.map(({ id }) => id)
  if (ids.length > 1) await lockSessions(trx, ids)
  for (const session of sessions) {
    const applied = await storeSession(trx, context, session, notice)
    if (notice.attempt) await addToAttempt(trx, context, session, notice.attempt)
    const data = { type: 'WebhookReceived', providerEvent: notice.event, applied } as const
    await recordEvents(trx, { session, source: 'WEBHOOK', at: context.now }, [data])
  }
}

/** True if the notice was applied; false if it is older than the stored session. */
async function storeSession(
  trx: Database,
  context: SnapshotContext,
  session: StoredSession,
  notice: WebhookNotice,
): Promise<boolean> {
  if (!canReadSessions(context.account)) return replaceSession(trx, context, notice)
  return addToSession(trx, context.account, session, notice)
}

function canReadSessions({ client }: Account): boolean {
  return client.getSession !== undefined
}

/** A create that cannot be settled does not stop the rest of the notice. */
async function settleCreate(
  { operations, report }: WebhookDeps,
  account: Account,
  { reference, applicantProviderId }: WebhookNotice,
): Promise<void> {
  if (!reference || !applicantProviderId) return
  try {
    await operations.settleFromNotice(account, 'CREATE_APPLICANT', reference, applicantProviderId)
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'BAD_REQUEST')) throw error
    report(error)
  }
}

/** Stored before the sessions are fetched, because their reads depend on these details. */
async function storeApplicantDetails(deps: WebhookDeps, account: Account, notice: WebhookNotice): Promise<void> {
  const { applicantProviderId, applicantDetails: reported } = notice
  if (!reported || applicantProviderId === undefined) return
  if (!(await findApplicantByProviderId(deps.db, account.id, applicantProviderId))) {
    await readApplicant(deps, account, notice)
  }
  await storeAndNotify(deps, account.tenantId, async trx => {
    const applicant = await findApplicantByProviderId(trx, account.id, applicantProviderId)
    if (applicant) await upsertApplicantDetails(trx, account, applicant, reported)
  })
}
