import { randomUUID } from 'node:crypto'
import {
  findOperations,
  moveOperation,
  noteOperation,
  type OperationError,
  type StoredOperation,
} from '../../db/operation-repository.ts'
import { DomainError, ProviderError, ProviderRejectedError, ProviderUnavailableError } from '../domain/errors.ts'
import type { CreateCall } from '../providers/contract.ts'
import type { Account } from './accounts.ts'
import { CREATES, type StoreAnswer, type StoredNoun } from './create-kinds.ts'
import type { CreatePlan } from './create-plan.ts'
import { change, type Deps } from './deps.ts'

/** The transitions of a create operation. Each is compare-and-set on the state and the fence that were read. */

export interface JournalSettings {
  readonly createDeadlineMs: number
  readonly firstCheckSeconds: number
  readonly lastCheckSeconds: number
}

/** How much longer than its deadline an operation belongs to the process that sent it. */
const OWNERSHIP_SLACK_MS = 5_000
/** A create may be two sends, one with our marker and one without it, or a login sent twice before it. */
const SENDS = 3
const PROCESS = randomUUID()

export type Journal = ReturnType<typeof createJournal>

/** What a create made. */
export interface Succeeded {
  readonly operation: StoredOperation
  /** As it was stored now; undefined where it was stored before. */
  readonly record?: StoredNoun
}

export function createJournal(deps: Deps, settings: JournalSettings) {
  const { db, now } = deps

  /** This process, and until when an operation that it sends now is its own. */
  function ownership() {
    const at = now()
    return {
      owner: PROCESS,
      ownedUntil: new Date(at.getTime() + SENDS * settings.createDeadlineMs + OWNERSHIP_SLACK_MS),
      now: at,
    }
  }

  /** What a try carries: the same marker for all tries, another key for each. */
  function marksOf(operation: StoredOperation): Pick<CreateCall, 'reference' | 'idempotencyKey' | 'note'> {
    return {
      reference: operation.reference,
      idempotencyKey: `${operation.reference}-${operation.attemptsMade}`,
      note: note => noteOperation(db, operation.id, note),
    }
  }

  /**
   * Stores the record and SUCCEEDED in one transaction. A late answer counts even where the operation was given up
   * meanwhile, as long as nothing was sent anew. Where it succeeded meanwhile with another record, as a repeat does that
   * overtakes a first send, the late one is not stored: one key has one record.
   */
  async function succeed(
    account: Account,
    operation: StoredOperation,
    store: StoreAnswer,
    recovered: boolean,
  ): Promise<Succeeded> {
    const said = { account, source: 'CREATE' as const, beganAt: operation.sentAt ?? now(), now: now() }
    const storing = change(deps, operation.tenantId, async trx => {
      const record = await store(trx, said)
      const settled = { ...SETTLED, now: now(), recordId: record.id, recovered, error: null, input: null }
      const move = (from: StoredOperation) => moveOperation(trx, from, { to: 'SUCCEEDED', ...settled })
      const moved = await move(operation)
      if (moved) return { operation: moved, record }
      // It was given up meanwhile, or settled.
      const [current] = await findOperations(trx, operation.tenantId, [operation.id])
      if (!current || current.attemptsMade !== operation.attemptsMade) throw new Error('The operation was sent anew.')
      if (current.state === 'SUCCEEDED') {
        if (current.recordId === record.id) return { operation: current }
        throw new SecondRecord(current)
      }
      const late = await move(current)
      if (!late) throw new Error('The operation was moved by another process.')
      return { operation: late, record }
    })
    return storing.catch((error: unknown) => {
      if (error instanceof SecondRecord) return { operation: error.succeeded }
      throw error
    })
  }

  /** It is certain that nothing was made. */
  function fail(operation: StoredOperation, error: unknown): Promise<StoredOperation | undefined> {
    return moveOperation(db, operation, {
      ...SETTLED,
      to: 'FAILED',
      now: now(),
      error: toOperationError(error, now()),
      input: null,
    })
  }

  /** It was never sent, whether it was written down or not. */
  async function withdraw(tenantId: string, id: string): Promise<void> {
    const [operation] = await findOperations(db, tenantId, [id])
    if (operation?.state === 'SENT' && operation.attemptsMade === 1) await fail(operation, neverSent(operation))
  }

  /** It is not known whether it was made. It is looked for where there is a way. */
  function lose(account: Account | undefined, operation: StoredOperation, error: unknown) {
    const settles = account === undefined || canSettle(account, operation, now())
    return moveOperation(db, operation, {
      ...SETTLED,
      to: 'UNKNOWN',
      now: now(),
      error: error === undefined ? undefined : toOperationError(error, now()),
      nextCheckAt: settles ? new Date(now().getTime() + settings.firstCheckSeconds * 1000) : null,
    })
  }

  /** It was looked for in vain: again later, each time twice as late. */
  function postpone(account: Account | undefined, operation: StoredOperation) {
    const seconds = Math.min(settings.firstCheckSeconds * 2 ** (operation.checks + 1), settings.lastCheckSeconds)
    const settles = account === undefined || canSettle(account, operation, now())
    return moveOperation(db, operation, {
      ...SETTLED,
      to: 'UNKNOWN',
      now: now(),
      checks: operation.checks + 1,
      nextCheckAt: settles ? new Date(now().getTime() + seconds * 1000) : null,
    })
  }

  /** Takes an operation that nobody has in flight. Undefined where somebody was faster. */
  function claim(operation: StoredOperation, repeats = operation.repeats): Promise<StoredOperation | undefined> {
    return moveOperation(db, operation, { to: 'UNKNOWN', repeats, ...ownership() })
  }

  /** Has a lost operation looked for at the next round. */
  async function nudge(operation: StoredOperation): Promise<void> {
    if (operation.nextCheckAt === null || operation.nextCheckAt <= now()) return
    await moveOperation(db, operation, { to: 'UNKNOWN', now: now(), nextCheckAt: now() })
  }

  return { ownership, marksOf, succeed, fail, withdraw, lose, postpone, claim, nudge }
}

/** Undoes what was stored of an answer that came too late. */
class SecondRecord extends Error {
  readonly succeeded: StoredOperation

  constructor(succeeded: StoredOperation) {
    super('The operation succeeded with another record.')
    this.succeeded = succeeded
  }
}

/** What is true of an operation that nobody has in flight. */
const SETTLED = { owner: null, ownedUntil: null, nextCheckAt: null } as const

/** True where there is, or will be, a way to find out what became of a lost create. */
export function canSettle(account: Account, operation: StoredOperation, now: Date): boolean {
  const recovery = CREATES[operation.kind].recovery(account.client, NO_PLAN)
  if (!recovery) return false
  const { find, repeat, harmlessAfterMs } = recovery
  if (find || harmlessAfterMs !== undefined) return true
  if (!repeat || operation.repeats >= repeat.times) return false
  const age = now.getTime() - (operation.sentAt ?? operation.createdAt).getTime()
  return repeat.withinMs === undefined || age < repeat.withinMs
}

/** Why an operation failed whose process never came to send it. */
export function neverSent({ provider }: StoredOperation): ProviderUnavailableError {
  return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, 'It was never sent.', { outcome: 'NOT_SENT' })
}

/** Whether there is a recovery does not depend on what was sent. */
const NO_PLAN: CreatePlan = {
  input: {},
  externalId: null,
  externalIdPinned: false,
  metadata: null,
  applicantId: null,
  customerId: null,
  applicantProviderId: null,
  customerProviderId: null,
}

function toOperationError(error: unknown, at: Date): OperationError {
  if (!(error instanceof DomainError)) return { code: 'INTERNAL_ERROR', message: 'Something went wrong here.', at }
  return {
    code: error.code,
    message: error.message,
    at,
    ...(error instanceof ProviderError && { retryAfterSeconds: error.retryAfterSeconds }),
    ...(error instanceof ProviderRejectedError && { providerCode: error.providerCode, issues: error.issues }),
  }
}
