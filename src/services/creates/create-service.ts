import { v7 as uuid } from 'uuid'
import { type Database, inTransaction } from '../../../db/core/database.ts'
import { DatabaseUnavailableError, type Failure } from '../../../db/core/database-error.ts'
import { lockErasure } from '../../../db/core/dialect.ts'
import {
  findOperationByKey,
  insertOperation,
  type StoredOperation,
  transitionOperation,
} from '../../../db/repositories/operation-repository.ts'
import { findTombstone } from '../../../db/repositories/tombstone-repository.ts'
import {
  DomainError,
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  ProviderError,
  UnconfirmedError,
  UnsupportedError,
} from '../../domain/errors.ts'
import { canonicalJson } from '../../domain/json.ts'
import type { ProviderOperation } from '../../domain/records/operation.ts'
import type { Account } from '../accounts/account.ts'
import type { RequestScope } from '../request-scope.ts'
import { type CreatedRecord, type CreateResponse, sendCreate } from './create-kinds.ts'
import type { StoredOutcome, SucceededOutcome } from './create-outcome.ts'
import { type CreateCommand, type CreatePlan, namesRecords, planCreate } from './create-plan.ts'
import type { DeferredOutcomes } from './deferred-outcomes.ts'
import { fetchNamedRecords, type NamedRecordServices } from './fetch-named-records.ts'
import { attemptMarkers, type CreateDeps, checkSoon, ownership } from './operation-transitions.ts'

/**
 * Creates that are never lost and never executed twice: plan, insert the operation in one durable commit, send, store the
 * response and the record in one transaction, reply. If it is unknown whether the provider created the record, the
 * operation is UNKNOWN, and no client request sends it again.
 */

export interface CreateService {
  /** Executes the command, or replies with the result of an earlier command with the same idempotency key. */
  create(scope: RequestScope, command: CreateCommand): Promise<Created>
  /** Resolves when no create is in flight. A create continues after its client disconnects. */
  settled(): Promise<void>
}

export interface Created {
  readonly operation: ProviderOperation
  /** The record, or its id if an earlier command created it. */
  readonly record: CreatedRecord | string
  readonly replayed: boolean
}

export interface CreateServiceDeps extends CreateDeps, NamedRecordServices {
  readonly deferredOutcomes: DeferredOutcomes
}

export function createCreateService(deps: CreateServiceDeps): CreateService {
  const pending = new Set<Promise<unknown>>()
  return {
    create: (scope, command) => {
      const creating = runCreate(deps, scope, command).finally(() => pending.delete(creating))
      pending.add(creating)
      return creating
    },
    settled: async () => {
      await Promise.allSettled(pending)
    },
  }
}

async function runCreate(deps: CreateServiceDeps, scope: RequestScope, command: CreateCommand): Promise<Created> {
  if (scope.signal.aborted) {
    throw new DomainError(
      'DEADLINE_EXCEEDED',
      'The request ended before the create was sent. Send it again with the same idempotency key.',
    )
  }
  const earlier = await findOperationByKey(deps.db, scope.tenantId, command.idempotencyKey)
  if (earlier) return replay(deps, scope, command, earlier)
  await assertKeyNotErased(deps, scope, command)
  const account = await deps.accounts.get(scope.tenantId, command.request.provider)
  await fetchNamedRecords(deps, scope, account, command)
  const { operation, plan } = await openOperation(deps, scope, account, command)
  if (operation) return sendAndStore(deps, scope, { account, operation, plan })
  const concurrent = await findOperationByKey(deps.db, scope.tenantId, command.idempotencyKey)
  if (!concurrent) throw new Error('The operation with this idempotency key was deleted while it was read.')
  return replay(deps, scope, command, concurrent)
}

/** A late retry of a create must not bring an erased person back. */
async function assertKeyNotErased(
  { db }: CreateServiceDeps,
  { tenantId }: RequestScope,
  { idempotencyKey: value }: CreateCommand,
): Promise<void> {
  if (await findTombstone(db, tenantId, { tenantId, kind: 'idempotencyKey', value })) {
    throw new NotFoundError('The create with this idempotency key was erased. Use a new key for a new create.')
  }
}

/** An attempt of a create that is stored and can be sent. */
interface CreateAttempt {
  readonly account: Account
  readonly operation: StoredOperation
  readonly plan: CreatePlan
}

/** A planned create; `operation` is undefined if it could not be stored because another request was first. */
interface PlannedCreate {
  readonly operation: StoredOperation | undefined
  readonly plan: CreatePlan
}

/** Plans the create and stores its operation. */
async function openOperation(
  deps: CreateServiceDeps,
  scope: RequestScope,
  account: Account,
  command: CreateCommand,
): Promise<PlannedCreate> {
  const id = uuid()
  const [ownFingerprint] = toFingerprintTexts(scope, command)
  try {
    return await withNamedRecordsLocked(deps, scope, command, async db => {
      const plan = await planCreate(db, scope, account, command)
      const operation = await insertOperation(db, {
        id,
        tenantId: scope.tenantId,
        accountId: account.id,
        kind: command.kind,
        provider: account.provider,
        idempotencyKey: command.idempotencyKey,
        fingerprint: deps.db.encryption.storedFingerprint(ownFingerprint),
        reference: `sg_${id.replaceAll('-', '')}`,
        requestId: scope.callLog?.requestId ?? null,
        input: { ...plan },
        subjects: plan.subjects,
        ...ownership(deps),
      })
      return { plan, operation }
    })
  } catch (error) {
    withdrawIfUncertain(deps, error, { tenantId: scope.tenantId, operationId: id, attempt: 1 })
    throw error
  }
}

/** Plans a new attempt of an operation that failed, so that the provider certainly made nothing. */
async function reopenOperation(
  deps: CreateServiceDeps,
  scope: RequestScope,
  account: Account,
  command: CreateCommand,
  failed: StoredOperation,
): Promise<PlannedCreate> {
  // Above the repeats of the attempt before, so that their sum counts every send.
  const attempt = failed.attempt + failed.repeats + 1
  try {
    return await withNamedRecordsLocked(deps, scope, command, async db => {
      const plan = await planCreate(db, scope, account, command)
      const owned = ownership(deps)
      const operation = await transitionOperation(db, failed, {
        ...owned,
        to: 'SENT',
        sentAt: owned.now,
        error: null,
        attempt,
        repeats: 0,
        checks: 0,
        note: null,
        input: { ...plan },
        subjects: plan.subjects,
      })
      return { operation, plan }
    })
  } catch (error) {
    withdrawIfUncertain(deps, error, { tenantId: scope.tenantId, operationId: failed.id, attempt })
    throw error
  }
}

/** A create that names records runs in a transaction, so that an erasure of one comes entirely before or after it. */
async function withNamedRecordsLocked<T>(
  { db, transactionSlots }: CreateServiceDeps,
  { tenantId }: RequestScope,
  command: CreateCommand,
  run: (db: Database) => Promise<T>,
): Promise<T> {
  if (!namesRecords(command)) return run(db)
  return transactionSlots.run(tenantId, () =>
    inTransaction(db, async trx => {
      await lockErasure(trx, tenantId, 'STORE')
      return run(trx)
    }),
  )
}

/** After these failures the row may exist although its commit was not acknowledged. */
const UNCERTAIN_CODES: readonly Failure[] = ['CONNECTION_LOST', 'REPLACED', 'STORAGE_FAILED']

/** An attempt that may be stored, and is not sent, is failed later. */
function withdrawIfUncertain(
  { deferredOutcomes }: CreateServiceDeps,
  error: unknown,
  attempt: { readonly tenantId: string; readonly operationId: string; readonly attempt: number },
): void {
  if (error instanceof DatabaseUnavailableError && UNCERTAIN_CODES.includes(error.failure)) {
    deferredOutcomes.defer({ type: 'NOT_SENT', ...attempt })
  }
}

/** The reply to an idempotency key that was used before, by its fingerprint and the state of its operation. */
async function replay(
  deps: CreateServiceDeps,
  scope: RequestScope,
  command: CreateCommand,
  operation: StoredOperation,
): Promise<Created> {
  const isSameInput = toFingerprintTexts(scope, command).some(text =>
    deps.db.encryption.isFingerprint(operation.fingerprint, text),
  )
  if (!isSameInput) throw new IdempotencyConflictError('IDEMPOTENCY_KEY_REUSED', operation)
  switch (operation.state) {
    case 'SUCCEEDED':
      return { operation, record: operation.recordId ?? '', replayed: true }
    case 'FAILED':
      return retry(deps, scope, command, operation)
    case 'UNKNOWN':
      await checkSoon(deps, operation)
      throw unconfirmed(deps, operation)
    default:
      throw new IdempotencyConflictError('IDEMPOTENCY_IN_PROGRESS', operation)
  }
}

async function retry(
  deps: CreateServiceDeps,
  scope: RequestScope,
  command: CreateCommand,
  failed: StoredOperation,
): Promise<Created> {
  const account = await deps.accounts.get(scope.tenantId, command.request.provider)
  await fetchNamedRecords(deps, scope, account, command)
  const { operation, plan } = await reopenOperation(deps, scope, account, command, failed)
  if (!operation) throw new IdempotencyConflictError('IDEMPOTENCY_IN_PROGRESS', failed)
  return sendAndStore(deps, scope, { account, operation, plan })
}

async function sendAndStore(deps: CreateServiceDeps, scope: RequestScope, attempt: CreateAttempt): Promise<Created> {
  // If the process slept past its ownership, another one may have sent the create again.
  const { ownedUntil } = attempt.operation
  if (ownedUntil && ownedUntil <= deps.now()) throw unconfirmed(deps, attempt.operation)
  const providerRead = deps.readSequence.start()
  const answer = await send(deps, scope, attempt)
  const outcome = { type: 'SUCCEEDED', ...attempt, answer, providerRead, recovered: false } as const
  const { operation = attempt.operation, record } = await storeResponded(deps, outcome)
  return { operation, record: record ?? operation.recordId ?? '', replayed: false }
}

/** Throws the error for the client: the provider's refusal, or UnconfirmedError. */
async function send(
  deps: CreateServiceDeps,
  { callLog }: RequestScope,
  { account, operation, plan }: CreateAttempt,
): Promise<CreateResponse> {
  try {
    return await sendCreate(account.client, operation.kind, plan, { ...attemptMarkers(deps, operation), callLog })
  } catch (error) {
    if (isCertain(error)) {
      const failed = { type: 'FAILED', operation, error, isUnsent: isUnsent(error) } as const
      await storeIfAvailable(deps.deferredOutcomes.storeOrDefer(failed))
      throw error
    }
    if (!(error instanceof DomainError)) deps.report(error)
    const stored = await storeIfAvailable(
      deps.deferredOutcomes.storeOrDefer({ type: 'UNKNOWN', account, operation, error }),
    )
    throw unconfirmed(deps, stored?.operation ?? operation)
  }
}

/** True if the provider certainly made nothing: it refused, or the request was not sent. */
function isCertain(error: unknown): boolean {
  if (error instanceof ProviderError) return error.outcome !== 'UNCERTAIN'
  return error instanceof InvalidInputError || error instanceof UnsupportedError
}

/** True if nothing left: the sign-in failed, the circuit is open, or the client of the provider refused the input. */
function isUnsent(error: unknown): boolean {
  return !(error instanceof ProviderError) || error.outcome === 'NOT_SENT'
}

/** Undefined if the database is unavailable: the outcome is then stored later, and the client gets its answer now. */
async function storeIfAvailable(storing: Promise<StoredOutcome>): Promise<StoredOutcome | undefined> {
  try {
    return await storing
  } catch (error) {
    if (error instanceof DatabaseUnavailableError) return undefined
    throw error
  }
}

/** Throws NOT_FOUND if the person was erased; UnconfirmedError if the record exists but could not be stored. */
async function storeResponded(deps: CreateServiceDeps, outcome: SucceededOutcome): Promise<StoredOutcome> {
  try {
    return await deps.deferredOutcomes.storeOrDefer(outcome)
  } catch (error) {
    if (error instanceof NotFoundError) throw error
    deps.report(error)
    throw unconfirmed(deps, outcome.operation)
  }
}

/**
 * One text for each spelling of a command's input, the caller's own first. The fingerprints of two tenants, or of two keys,
 * cannot be compared.
 */
function toFingerprintTexts(
  { tenantId }: RequestScope,
  { kind, idempotencyKey, equivalentInputs: [own, ...others] }: CreateCommand,
): readonly [string, ...string[]] {
  const toText = (input: CreateCommand['equivalentInputs'][number]) =>
    canonicalJson({ tenantId, idempotencyKey, kind, input })
  return [toText(own), ...others.map(toText)]
}

function unconfirmed({ now }: CreateServiceDeps, operation: ProviderOperation): UnconfirmedError {
  const waitMs = operation.nextCheckAt && operation.nextCheckAt.getTime() - now().getTime()
  return new UnconfirmedError(operation, waitMs === null ? null : Math.max(1, Math.ceil(waitMs / 1_000)))
}
