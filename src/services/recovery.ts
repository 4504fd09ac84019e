import { findDueOperations, readOperationInput, type StoredOperation } from '../../db/operation-repository.ts'
import { DomainError, ProviderError, ProviderUnavailableError } from '../domain/errors.ts'
import type { LostCreate } from '../providers/contract.ts'
import type { Account } from './accounts.ts'
import type { Backlog } from './backlog.ts'
import { type Journal, neverSent } from './create-journal.ts'
import { CREATES, type StorableRecovery, toCall } from './create-kinds.ts'
import type { CreatePlan } from './create-plan.ts'
import type { Deps } from './deps.ts'

/**
 * Finds out what became of creates whose answer never came, each by its provider's own way: it is searched for, sent
 * once more where that is harmless, or left UNKNOWN for a webhook or an operator. Never a guess.
 */

export interface RecoverySettings {
  /** An absence counts only where the search began this long after the send. */
  readonly settleDelaySeconds: number
  readonly createDeadlineMs: number
}

const BATCH = 50

export type RecoveryService = ReturnType<typeof createRecovery>

export function createRecovery(deps: Deps, journal: Journal, backlog: Backlog, settings: RecoverySettings) {
  const { db, accounts, now } = deps

  /** Looks at every operation whose time has come. Gives how many it looked at. */
  async function run(): Promise<number> {
    await backlog.writeDown()
    const due = await findDueOperations(db, now(), BATCH)
    await Promise.all(due.map(lookAt))
    return due.length
  }

  async function lookAt(operation: StoredOperation): Promise<void> {
    const account = await accounts.find(operation)
    if (operation.state === 'PENDING') return void (await journal.fail(operation, neverSent(operation)))
    if (operation.state === 'SENT') return void (await journal.lose(account, operation, undefined))
    const claimed = await journal.claim(operation)
    const plan = claimed && (await readOperationInput<CreatePlan>(db, claimed.id))
    if (!claimed) return
    if (!account || !plan) return void (await journal.postpone(account, claimed))
    await settle(account, claimed, plan).catch(async (error: unknown) => {
      if (!(error instanceof DomainError)) deps.report(error)
      await journal.postpone(account, claimed)
    })
  }

  async function settle(account: Account, operation: StoredOperation, plan: CreatePlan): Promise<void> {
    const recovery = CREATES[operation.kind].recovery(account.client, plan)
    const lost = toLost(operation, plan)
    const beganAt = now()
    const harmless = recovery?.harmlessAfterMs !== undefined && ageMs(operation, beganAt) >= recovery.harmlessAfterMs
    const finding = recovery?.find ? await recovery.find(lost, {}).catch(orUncertain(harmless)) : 'UNCERTAIN'
    if (typeof finding !== 'string') return void (await journal.succeed(account, operation, finding.found, true))
    const settled = ageMs(operation, beganAt) >= settings.settleDelaySeconds * 1000
    const absent = finding === 'ABSENT' && settled
    if (absent || harmless) return void (await journal.fail(operation, neverMade(operation)))
    if (mayRepeat(recovery, operation, settled)) return repeat(account, operation, plan)
    await journal.postpone(account, operation)
  }

  /** Sends it once more. That it will is written down first, so that no crash makes it twice more. */
  async function repeat(account: Account, operation: StoredOperation, plan: CreatePlan): Promise<void> {
    const claimed = await journal.claim(operation, operation.repeats + 1)
    if (!claimed) return
    try {
      const store = await CREATES[operation.kind].send(account.client, plan, journal.marksOf(operation))
      await journal.succeed(account, claimed, store, true)
    } catch (error) {
      if (!(error instanceof DomainError)) deps.report(error)
      // That a repeat is refused proves nothing about the first send. One that never left, or was put off, does not count.
      const putOff = error instanceof ProviderUnavailableError && error.outcome === 'REFUSED'
      const unsent = putOff || (error instanceof ProviderError && error.outcome === 'NOT_SENT')
      const counted = unsent ? await journal.claim(claimed, operation.repeats) : claimed
      if (counted) await journal.postpone(account, counted)
    }
  }

  function mayRepeat(recovery: StorableRecovery | undefined, operation: StoredOperation, settled: boolean): boolean {
    const rule = recovery?.repeat
    if (!rule || operation.repeats >= rule.times || (rule.afterSettleDelay && !settled)) return false
    return rule.withinMs === undefined || ageMs(operation, now()) < rule.withinMs
  }

  return { run }
}

/** What a provider's client needs to look for a lost create. */
export function toLost(operation: StoredOperation, plan: CreatePlan): LostCreate {
  return {
    ...toCall(plan),
    reference: operation.reference,
    idempotencyKey: `${operation.reference}-${operation.attemptsMade}`,
    input: plan.input,
    sentAt: operation.sentAt ?? operation.createdAt,
    noted: operation.note,
  }
}

/** Once nobody can use what may have been made, a search that fails need not succeed any more. */
function orUncertain(harmless: boolean): (error: unknown) => 'UNCERTAIN' {
  return error => {
    if (harmless && error instanceof DomainError) return 'UNCERTAIN'
    throw error
  }
}

function ageMs(operation: StoredOperation, at: Date): number {
  return at.getTime() - (operation.sentAt ?? operation.createdAt).getTime()
}

function neverMade({ provider }: StoredOperation): ProviderUnavailableError {
  return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, `${provider} never made it.`, {
    outcome: 'NOT_SENT',
  })
}
