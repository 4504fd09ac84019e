import { v7 as uuid } from 'uuid'
import { DatabaseUnavailableError } from '../../db/failure.ts'
import {
  findOperationByKey,
  insertOperation,
  moveOperation,
  type StoredOperation,
} from '../../db/operation-repository.ts'
import { findTombstone } from '../../db/tombstone-repository.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import {
  DomainError,
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  OutcomeUnknownError,
  ProviderError,
  UnsupportedError,
} from '../domain/errors.ts'
import type { CreateOperation } from '../domain/operation.ts'
import type { Account } from './accounts.ts'
import type { Backlog } from './backlog.ts'
import type { Call } from './call.ts'
import type { Journal } from './create-journal.ts'
import { CREATES, type StoreAnswer, type StoredNoun } from './create-kinds.ts'
import { type CreateCommand, type CreatePlan, planCreate } from './create-plan.ts'
import type { Deps } from './deps.ts'

/**
 * Creates, never lost and never doubled. Before the provider is called, one durable commit writes the operation; its
 * answer and the record are stored in one transaction; what the provider may or may not have done is UNKNOWN, and is
 * never sent again blindly.
 */

export interface Created {
  readonly operation: CreateOperation
  /** What was made, or our id of it where it was made before. */
  readonly record: StoredNoun | string
  readonly replayed: boolean
}

export type Creates = ReturnType<typeof createCreates>

export function createCreates(deps: Deps, journal: Journal, backlog: Backlog) {
  const { db, accounts } = deps
  const underWay = new Set<Promise<unknown>>()

  /** Makes what the command asks for, or gives what an earlier command with the same key made. */
  function create(call: Call, command: CreateCommand): Promise<Created> {
    const creating = begin(call, command).finally(() => underWay.delete(creating))
    underWay.add(creating)
    return creating
  }

  /** Resolves when no create is under way: one goes on where its client has left. */
  async function settled(): Promise<void> {
    await Promise.allSettled(underWay)
  }

  async function begin(call: Call, command: CreateCommand): Promise<Created> {
    if (call.signal.aborted) {
      throw new DomainError('DEADLINE_EXCEEDED', 'The time of the request was over before this was sent.')
    }
    const told = canonicalJson({ kind: command.kind, input: command.fingerprintOf })
    const known = await findOperationByKey(db, call.tenantId, command.idempotencyKey)
    if (known) return repeat(call, command, told, known)
    await refuseErasedKey(call, command)
    const account = await accounts.get(call.tenantId, command.request.provider)
    const plan = await planCreate(db, call, account, command)
    const operation = await open(call, command, db.vault.print(told), account, plan)
    if (operation) return send(call, account, operation, plan)
    const rival = await findOperationByKey(db, call.tenantId, command.idempotencyKey)
    if (!rival) throw new Error('An idempotency key is taken by an operation that is not there.')
    return repeat(call, command, told, rival)
  }

  /** A late repeat of a create whose record was erased must not bring the person back. */
  async function refuseErasedKey({ tenantId }: Call, { idempotencyKey: value }: CreateCommand): Promise<void> {
    if (await findTombstone(db, { tenantId, kind: 'idempotencyKey', value })) {
      throw new NotFoundError('What this idempotency key made was erased.')
    }
  }

  async function open(call: Call, command: CreateCommand, fingerprint: string, account: Account, plan: CreatePlan) {
    const id = uuid()
    const operation = {
      id,
      tenantId: call.tenantId,
      accountId: account.id,
      kind: command.kind,
      provider: account.provider,
      idempotencyKey: command.idempotencyKey,
      fingerprint,
      reference: `sg_${id.replaceAll('-', '')}`,
      input: { ...plan },
      ...journal.ownership(),
    }
    try {
      return await insertOperation(db, operation)
    } catch (error) {
      // It may stand there, and is not sent.
      const isUnclear = error instanceof DatabaseUnavailableError && error.failure === 'BROKEN'
      if (isUnclear) backlog.add(() => journal.withdraw(call.tenantId, id))
      throw error
    }
  }

  /** What a key that was used before answers: by its fingerprint, then by the state of its operation. */
  async function repeat(
    call: Call,
    command: CreateCommand,
    told: string,
    operation: StoredOperation,
  ): Promise<Created> {
    if (!db.vault.isPrint(operation.fingerprint, told))
      throw new IdempotencyConflictError('IDEMPOTENCY_KEY_REUSED', operation)
    switch (operation.state) {
      case 'SUCCEEDED':
        return { operation, record: operation.recordId ?? '', replayed: true }
      case 'FAILED':
        return sendAgain(call, command, operation)
      case 'UNKNOWN':
        await journal.nudge(operation)
        throw new OutcomeUnknownError(operation)
      default:
        throw new IdempotencyConflictError('IDEMPOTENCY_IN_PROGRESS', operation)
    }
  }

  /** A new try of an operation of which it is certain that it made nothing. */
  async function sendAgain(call: Call, command: CreateCommand, failed: StoredOperation): Promise<Created> {
    const account = await accounts.get(call.tenantId, command.request.provider)
    const plan = await planCreate(db, call, account, command)
    const { now: sentAt, ...owned } = journal.ownership()
    const operation = await moveOperation(db, failed, {
      ...owned,
      to: 'SENT',
      now: sentAt,
      sentAt,
      error: null,
      tries: failed.attemptsMade + 1,
      repeats: 0,
      checks: 0,
      note: null,
      input: { ...plan },
    })
    if (!operation) throw new IdempotencyConflictError('IDEMPOTENCY_IN_PROGRESS', failed)
    return send(call, account, operation, plan)
  }

  async function send(call: Call, account: Account, operation: StoredOperation, plan: CreatePlan): Promise<Created> {
    // Asleep for longer than it is ours, others may have sent it again by now.
    if (operation.ownedUntil && operation.ownedUntil <= deps.now()) throw new OutcomeUnknownError(operation)
    const store = await answerOf(call, account, operation, plan)
    try {
      const made = await backlog.keep(() => journal.succeed(account, operation, store, false))
      return { operation: made.operation, record: made.record ?? made.operation.recordId ?? '', replayed: false }
    } catch (error) {
      deps.report(error)
      // It was made and could not be written down: until it is, the operation is looked for as any lost one.
      throw new OutcomeUnknownError(operation)
    }
  }

  /** Sends the create. Throws what the client sees: the provider's refusal, or that the outcome is not known. */
  async function answerOf(
    { trail }: Call,
    account: Account,
    operation: StoredOperation,
    plan: CreatePlan,
  ): Promise<StoreAnswer> {
    try {
      return await CREATES[operation.kind].send(account.client, plan, { ...journal.marksOf(operation), trail })
    } catch (error) {
      if (isCertain(error)) {
        await backlog.keep(() => journal.fail(operation, error)).catch(unlessUnavailable)
        throw error
      }
      if (!(error instanceof DomainError)) deps.report(error)
      const lost = await backlog.keep(() => journal.lose(account, operation, error)).catch(unlessUnavailable)
      throw new OutcomeUnknownError(lost ?? operation)
    }
  }

  return { create, settled }
}

/** What the provider said is told although it could not be written down yet. */
function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof DatabaseUnavailableError)) throw error
}

/** True where the error says that nothing was made: the provider said no, or nothing left this process. */
function isCertain(error: unknown): boolean {
  if (error instanceof ProviderError) return error.outcome !== 'UNCERTAIN'
  return error instanceof InvalidInputError || error instanceof UnsupportedError
}
