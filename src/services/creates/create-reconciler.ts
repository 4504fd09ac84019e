import {
  decryptOperationInput,
  findCreatedAround,
  findDueOperations,
  type StoredOperation,
} from '../../../db/repositories/operation-repository.ts'
import { DomainError, ProviderError, ProviderUnavailableError } from '../../domain/errors.ts'
import type { RecoveryResult } from '../../providers/contract.ts'
import { isWorking } from '../../upstream/error-classification.ts'
import type { Account } from '../accounts/account.ts'
import { readSample } from '../accounts/sample-read.ts'
import { createSkippedAccounts } from '../accounts/skipped-accounts.ts'
import { type CreateResponse, sendCreate } from './create-kinds.ts'
import { notSentError, storeErased, storeOutcome } from './create-outcome.ts'
import { type CreatePlan, namesErasedRecord } from './create-plan.ts'
import { ageMs, isHarmless, mayResend, searchCreated, toUnknownCreate } from './create-recovery.ts'
import type { DeferredOutcomes } from './deferred-outcomes.ts'
import { attemptMarkers, type CreateDeps, claimOperation, rescheduleOperation } from './operation-transitions.ts'

/**
 * Looks for lost creates: those whose response never arrived. By what the provider supports, it searches for the record, sends
 * the create once more if that is harmless, or leaves the operation UNKNOWN for a webhook or an operator. It never guesses.
 */

export interface ReconcilerSettings {
  /** A search without a result counts only if it began this long after the send. */
  readonly absenceProofSeconds: number
}

export interface ReconcilerDeps extends CreateDeps, ReconcilerSettings {
  readonly deferredOutcomes: DeferredOutcomes
}

const BATCH = 50
/** How far from the send a provider may have executed the create. */
const AROUND_MS = 20 * 60_000

export interface CreateReconciler {
  /** Checks every due operation. Gives how many it checked. */
  run(): Promise<number>
}

export function createCreateReconciler(deps: ReconcilerDeps): CreateReconciler {
  const skippedAccounts = createSkippedAccounts(deps.now)

  async function run(): Promise<number> {
    await deps.deferredOutcomes.flush()
    const excluded = new Set(skippedAccounts.ids())
    for (let count = 0; ; ) {
      const excludedBefore = excluded.size
      const due = await findDueOperations(deps.db, deps.now(), BATCH, [...excluded])
      const results = await Promise.all(due.map(operation => reconcile(deps, operation)))
      for (const [index, { accountId }] of due.entries()) {
        // Another instance may have the account connected, or better credentials.
        if (results[index] === 'NOT_CONNECTED') excluded.add(accountId)
        if (results[index] === 'AUTH_FAILED') skippedAccounts.skip(accountId)
      }
      count += due.length
      // A batch with operations of unconnected accounts may hide due operations behind them.
      if (due.length < BATCH || excluded.size === excludedBefore) return count
    }
  }

  return { run }
}

type ReconcileResult = 'DONE' | 'NOT_CONNECTED' | 'AUTH_FAILED'

async function reconcile(deps: ReconcilerDeps, operation: StoredOperation): Promise<ReconcileResult> {
  const account = await deps.accounts.find(operation)
  if (operation.state === 'PENDING') {
    await storeOutcome(deps, { type: 'FAILED', operation, error: notSentError(operation), isUnsent: true })
    return 'DONE'
  }
  if (operation.state === 'SENT') {
    await storeOutcome(deps, { type: 'UNKNOWN', account, operation })
    return 'DONE'
  }
  if (!account) return 'NOT_CONNECTED'
  const claimed = await claimOperation(deps, operation)
  return claimed ? settleOrReschedule(deps, account, claimed) : 'DONE'
}

async function settleOrReschedule(
  deps: ReconcilerDeps,
  account: Account,
  operation: StoredOperation,
): Promise<ReconcileResult> {
  const plan = await decryptOperationInput<CreatePlan>(deps.db, operation)
  if (!plan) {
    await rescheduleOperation(deps, account, operation)
    return 'DONE'
  }
  if (await namesErasedRecord(deps.db, operation, plan)) {
    await storeErased(deps, operation)
    return 'DONE'
  }
  try {
    await settle(deps, account, operation, plan)
    return 'DONE'
  } catch (error) {
    if (!(error instanceof DomainError)) deps.report(error)
    await rescheduleOperation(deps, account, operation)
    return error instanceof DomainError && error.code === 'PROVIDER_AUTH_FAILED' ? 'AUTH_FAILED' : 'DONE'
  }
}

async function settle(
  deps: ReconcilerDeps,
  account: Account,
  operation: StoredOperation,
  plan: CreatePlan,
): Promise<void> {
  const createdByOthers = await findCreatedAround(deps.db, operation, AROUND_MS)
  const startedAt = deps.now()
  const unreadable = countUnreadable(account)
  const providerRead = deps.readSequence.start()
  const harmless = isHarmless(account, operation, startedAt)
  const result = await search(account, operation, plan, { createdByOthers, harmless })
  if (typeof result !== 'string') {
    const { found: answer } = result
    await storeOutcome(deps, { type: 'SUCCEEDED', account, operation, plan, answer, providerRead, recovered: true })
    return
  }
  const settled = ageMs(operation, startedAt) >= deps.absenceProofSeconds * 1000
  const absent = result === 'ABSENT' && settled && countUnreadable(account) === unreadable
  if (absent || harmless) {
    await storeOutcome(deps, { type: 'FAILED', operation, error: notMadeError(operation), isUnsent: false })
    return
  }
  if (mayResend(account, operation, settled, deps.now())) {
    await assertWorking(account)
    return resend(deps, account, operation, plan)
  }
  await rescheduleOperation(deps, account, operation)
}

/** A search that fails does not matter once the record can do no harm. */
async function search(
  account: Account,
  operation: StoredOperation,
  plan: CreatePlan,
  { createdByOthers, harmless }: { readonly createdByOthers: readonly string[]; readonly harmless: boolean },
): Promise<RecoveryResult<CreateResponse>> {
  try {
    return await searchCreated(account, operation.kind, toUnknownCreate(operation, plan, createdByOthers))
  } catch (error) {
    if (harmless && error instanceof DomainError) return 'UNCERTAIN'
    throw error
  }
}

/**
 * Makes a harmless read, so that an outage does not use up a repeat. Throws its error, unless a provider that works rejects the
 * read.
 */
async function assertWorking({ client }: Account): Promise<void> {
  try {
    await readSample(client)
  } catch (error) {
    if (!isWorking(error)) throw error
  }
}

/** Sends the create once more. The resend is counted in the database first, so that a crash does not repeat it. */
async function resend(
  deps: ReconcilerDeps,
  account: Account,
  operation: StoredOperation,
  plan: CreatePlan,
): Promise<void> {
  const claimed = await claimOperation(deps, operation, operation.repeats + 1)
  if (!claimed) return
  try {
    const providerRead = deps.readSequence.start()
    const markers = attemptMarkers(deps, operation)
    const answer = await sendCreate(account.client, operation.kind, plan, markers)
    await deps.deferredOutcomes.storeOrDefer({
      type: 'SUCCEEDED',
      account,
      operation: claimed,
      plan,
      answer,
      providerRead,
      recovered: true,
    })
  } catch (error) {
    if (!(error instanceof DomainError)) deps.report(error)
    // A refused resend proves nothing about the first send. One that never left, or was put off, is not counted.
    const counted = wasSent(error) ? claimed : await claimOperation(deps, claimed, operation.repeats)
    if (counted) await rescheduleOperation(deps, account, counted)
  }
}

function wasSent(error: unknown): boolean {
  const isPutOff = error instanceof ProviderUnavailableError && error.outcome === 'REFUSED'
  return !isPutOff && !(error instanceof ProviderError && error.outcome === 'NOT_SENT')
}

/** How many fields of the provider's answers could not be parsed: the record may be among those. */
function countUnreadable({ upstream }: Account): number {
  const degraded = upstream.drift().filter(({ grade, path }) => grade === 'DEGRADED' && !isStatus(path))
  return degraded.reduce((sum, { count }) => sum + count, 0)
}

/** An unknown status hides no field by which a create is found. */
function isStatus(path: string): boolean {
  return /(^|\.)(status|reviewAnswer)$/.test(path)
}

function notMadeError({ provider }: StoredOperation): ProviderUnavailableError {
  return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, `${provider} did not create the record.`, {
    outcome: 'NOT_SENT',
  })
}
