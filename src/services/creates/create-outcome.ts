import { type Database, inTransaction } from '../../../db/core/database.ts'
import {
  findOperations,
  type OperationError,
  type StoredOperation,
  transitionOperation,
} from '../../../db/repositories/operation-repository.ts'
import { setTombstones, type TombstoneKey } from '../../../db/repositories/tombstone-repository.ts'
import {
  DomainError,
  NotFoundError,
  ProviderError,
  ProviderRejectedError,
  ProviderUnavailableError,
  providerCodeOf,
} from '../../domain/errors.ts'
import type { Account } from '../accounts/account.ts'
import { storeAndNotify } from '../deps.ts'
import type { ProviderRead } from '../snapshots/read-sequence.ts'
import { type CreatedRecord, type CreateResponse, storeResponse, tombstoneKindOf } from './create-kinds.ts'
import type { CreatePlan } from './create-plan.ts'
import { type CreateDeps, NOT_IN_FLIGHT, nextCheckAt } from './operation-transitions.ts'

/** The result of one attempt of a create. */
export type CreateOutcome = SucceededOutcome | FailedOutcome | UnknownOutcome | NotSentOutcome

/** The provider made the record. */
export interface SucceededOutcome {
  readonly type: 'SUCCEEDED'
  readonly account: Account
  readonly operation: StoredOperation
  readonly plan: CreatePlan
  readonly answer: CreateResponse
  /** The provider request that returned `answer`. */
  readonly providerRead: ProviderRead
  /** True if the answer to the create itself never arrived. */
  readonly recovered: boolean
}

/** It is certain that the provider made nothing. */
export interface FailedOutcome {
  readonly type: 'FAILED'
  readonly operation: StoredOperation
  readonly error: unknown
  /** True if the attempt failed before it was sent. */
  readonly isUnsent: boolean
}

/** The provider may have made the record. */
export interface UnknownOutcome {
  readonly type: 'UNKNOWN'
  /** Undefined if the account is not connected to this instance. */
  readonly account: Account | undefined
  readonly operation: StoredOperation
  /** Undefined keeps the stored error. */
  readonly error?: unknown
}

/** The attempt was not sent. Whether its operation was stored is not known. */
export interface NotSentOutcome {
  readonly type: 'NOT_SENT'
  readonly tenantId: string
  readonly operationId: string
  readonly attempt: number
}

export interface StoredOutcome {
  /** Undefined if another process changed the operation meanwhile. */
  readonly operation: StoredOperation | undefined
  /** The record that this call stored; undefined if there is none, or if it was stored before. */
  readonly record?: CreatedRecord
}

/** Stores the outcome. Idempotent. */
export async function storeOutcome(deps: CreateDeps, outcome: CreateOutcome): Promise<StoredOutcome> {
  switch (outcome.type) {
    case 'SUCCEEDED':
      return storeSucceeded(deps, outcome)
    case 'FAILED':
      return { operation: await storeFailed(deps, outcome) }
    case 'UNKNOWN':
      return { operation: await storeUnknown(deps, outcome) }
    case 'NOT_SENT':
      return { operation: await storeNotSent(deps, outcome) }
  }
}

/**
 * Stores the record and SUCCEEDED in one transaction. If the person was erased since the send, the operation FAILED, a
 * tombstone keeps the record from coming back, and NOT_FOUND is thrown.
 */
async function storeSucceeded(deps: CreateDeps, outcome: SucceededOutcome): Promise<StoredOutcome> {
  const { answer, operation } = outcome
  try {
    return await storeAndNotify(deps, operation.tenantId, trx => storeRecordAndOperation(trx, deps, outcome))
  } catch (error) {
    if (error instanceof DuplicateRecordError) return { operation: error.succeeded }
    if (error instanceof NotFoundError) await storeErased(deps, operation, answer.snapshot.providerId)
    throw error
  }
}

/**
 * A late answer counts also for an operation that was given up, unless the create was sent again. If a resend succeeded
 * with another record, the late record is not stored: one idempotency key has one record.
 */
async function storeRecordAndOperation(
  trx: Database,
  { now }: CreateDeps,
  { account, answer, operation, plan, providerRead, recovered }: SucceededOutcome,
): Promise<StoredOutcome> {
  const sentAt = operation.sentAt ?? now()
  const context = { account, source: 'CALLER' as const, providerRead, now: now(), once: true, sentAt }
  const record = await storeResponse(trx, context, answer, plan)
  const succeeded = {
    ...NOT_IN_FLIGHT,
    to: 'SUCCEEDED' as const,
    now: now(),
    recordId: record.id,
    recovered,
    error: null,
    input: null,
  }
  const stored = await transitionOperation(trx, operation, succeeded)
  if (stored) return { operation: stored, record }
  const [current] = await findOperations(trx, operation.tenantId, [operation.id])
  if (!current || current.attempt !== operation.attempt) throw new Error('The create was sent again.')
  if (current.state === 'SUCCEEDED') {
    if (current.recordId === record.id) return { operation: current }
    throw new DuplicateRecordError(current)
  }
  const late = await transitionOperation(trx, current, succeeded)
  if (!late) throw new Error('Another process changed the operation.')
  return { operation: late, record }
}

/** Rolls back the record of an answer that came after another record was stored. */
class DuplicateRecordError extends Error {
  readonly succeeded: StoredOperation

  constructor(succeeded: StoredOperation) {
    super('The operation succeeded with another record.')
    this.succeeded = succeeded
  }
}

/** Fails a create about an erased person. Tombstones keep later reads and webhooks from storing what it made. */
export async function storeErased(
  { db, now, transactionSlots }: CreateDeps,
  operation: StoredOperation,
  providerId?: string,
): Promise<void> {
  const { accountId, tenantId, kind, reference } = operation
  const created: TombstoneKey[] =
    providerId === undefined ? [] : [{ accountId, kind: tombstoneKindOf(kind), value: providerId }]
  const store = async (trx: Database) => {
    await setTombstones(trx, tenantId, [...created, { accountId, kind: 'reference', value: reference }], now())
    const [current] = await findOperations(trx, tenantId, [operation.id])
    if (!current || current.state === 'SUCCEEDED' || current.attempt !== operation.attempt) return
    const error = toOperationError(
      new NotFoundError('A record that the create names was erased. Create without it, with a new idempotency key.'),
      now(),
    )
    await transitionOperation(trx, current, { ...NOT_IN_FLIGHT, to: 'FAILED', now: now(), error, input: null })
  }
  await transactionSlots.run(tenantId, () => inTransaction(db, store))
}

async function storeFailed(
  { db, now }: CreateDeps,
  { error, isUnsent, operation }: FailedOutcome,
): Promise<StoredOperation | undefined> {
  return transitionOperation(db, operation, {
    ...NOT_IN_FLIGHT,
    to: 'FAILED',
    now: now(),
    error: toOperationError(error, now()),
    unsent: isUnsent ? operation.unsent + 1 : undefined,
    input: null,
  })
}

async function storeUnknown(
  deps: CreateDeps,
  { account, error, operation }: UnknownOutcome,
): Promise<StoredOperation | undefined> {
  const { db, recoveryBackoffMinSeconds, now } = deps
  return transitionOperation(db, operation, {
    ...NOT_IN_FLIGHT,
    to: 'UNKNOWN',
    now: now(),
    error: error === undefined ? undefined : toOperationError(error, now()),
    nextCheckAt: nextCheckAt(deps, account, operation, recoveryBackoffMinSeconds),
  })
}

async function storeNotSent(
  deps: CreateDeps,
  { attempt, operationId, tenantId }: NotSentOutcome,
): Promise<StoredOperation | undefined> {
  const [operation] = await findOperations(deps.db, tenantId, [operationId])
  if (operation?.state !== 'SENT' || operation.attempt !== attempt) return undefined
  return storeFailed(deps, { type: 'FAILED', operation, error: notSentError(operation), isUnsent: true })
}

/** For an operation whose process ended before it called the provider. */
export function notSentError({ provider }: StoredOperation): ProviderUnavailableError {
  return new ProviderUnavailableError('PROVIDER_UNAVAILABLE', provider, 'The create was not sent.', {
    outcome: 'NOT_SENT',
  })
}

function toOperationError(error: unknown, at: Date): OperationError {
  if (!(error instanceof DomainError)) return { code: 'INTERNAL_ERROR', message: 'Internal error.', at }
  return {
    code: error.code,
    message: error.message,
    at,
    ...(error instanceof ProviderError && { summary: error.summary, retryAfterSeconds: error.retryAfterSeconds }),
    providerCode: providerCodeOf(error),
    ...(error instanceof ProviderRejectedError && { issues: error.issues }),
  }
}
