import { randomUUID } from 'node:crypto'
import { v7 as uuid } from 'uuid'
import { inTransaction } from '../../db/database.ts'
import {
  findOperationByKey,
  insertOperation,
  moveOperation,
  type OperationError,
  type StoredOperation,
} from '../../db/operation-repository.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import {
  DomainError,
  IdempotencyConflictError,
  OutcomeUnknownError,
  ProviderError,
  ProviderRejectedError,
} from '../domain/errors.ts'
import type { CreateOperation } from '../domain/operation.ts'
import type { Account } from './accounts.ts'
import type { Call } from './call.ts'
import { CREATES } from './create-kinds.ts'
import { type CreateCommand, type CreatePlan, planCreate } from './create-plan.ts'
import type { Deps } from './deps.ts'

/**
 * Creates, never lost and never doubled. Before the provider is called, one durable commit writes the operation; its
 * answer and the record are stored in one transaction; what the provider may or may not have done is UNKNOWN, and is
 * never sent again blindly.
 */

export interface Created {
  readonly operation: CreateOperation
  /** Our id of what was made. */
  readonly recordId: string
  readonly replayed: boolean
}

export interface CreateSettings {
  readonly createDeadlineMs: number
}

/** How much longer than its deadline an operation belongs to the process that sent it. */
const OWNERSHIP_SLACK_MS = 5_000
const PROCESS = randomUUID()

export type Creates = ReturnType<typeof createCreates>

export function createCreates(deps: Deps, settings: CreateSettings) {
  const { db, accounts, now } = deps

  /** Makes what the command asks for, or gives what an earlier command with the same key made. */
  async function create(call: Call, command: CreateCommand): Promise<Created> {
    const fingerprint = db.vault.fingerprint(canonicalJson({ kind: command.kind, input: command.fingerprintOf }))
    const known = await findOperationByKey(db, call.tenantId, command.idempotencyKey)
    if (known) return repeat(call, command, fingerprint, known)
    const account = accounts.get(call.tenantId, command.request.provider)
    const plan = await planCreate(db, call, account, command)
    const operation = await open(call, command, fingerprint, account, plan)
    if (operation) return send(account, operation, plan)
    const rival = await findOperationByKey(db, call.tenantId, command.idempotencyKey)
    if (!rival) throw new Error('An idempotency key is taken by an operation that is not there.')
    return repeat(call, command, fingerprint, rival)
  }

  function open(call: Call, command: CreateCommand, fingerprint: string, account: Account, plan: CreatePlan) {
    const id = uuid()
    return insertOperation(db, {
      id,
      tenantId: call.tenantId,
      accountId: account.id,
      kind: command.kind,
      provider: account.provider,
      idempotencyKey: command.idempotencyKey,
      fingerprint,
      reference: `sg_${id.replaceAll('-', '')}`,
      input: { ...plan },
      ...ownership(),
    })
  }

  /** What a key that was used before answers: by its fingerprint, then by the state of its operation. */
  async function repeat(
    call: Call,
    command: CreateCommand,
    fingerprint: string,
    operation: StoredOperation,
  ): Promise<Created> {
    if (operation.fingerprint !== fingerprint) throw new IdempotencyConflictError('IDEMPOTENCY_KEY_REUSED', operation)
    switch (operation.state) {
      case 'SUCCEEDED':
        return { operation, recordId: operation.recordId ?? '', replayed: true }
      case 'FAILED':
        return sendAgain(call, command, operation)
      case 'UNKNOWN':
        throw new OutcomeUnknownError(operation)
      default:
        throw new IdempotencyConflictError('IDEMPOTENCY_IN_PROGRESS', operation)
    }
  }

  /** A new try of an operation of which it is certain that it made nothing. */
  async function sendAgain(call: Call, command: CreateCommand, failed: StoredOperation): Promise<Created> {
    const account = accounts.get(call.tenantId, command.request.provider)
    const plan = await planCreate(db, call, account, command)
    const { owner, ownedUntil, now: sentAt } = ownership()
    const operation = await moveOperation(db, failed, {
      to: 'SENT',
      now: sentAt,
      owner,
      ownedUntil,
      sentAt,
      error: null,
      tries: failed.attemptsMade + 1,
      input: { ...plan },
    })
    if (!operation) throw new IdempotencyConflictError('IDEMPOTENCY_IN_PROGRESS', failed)
    return send(account, operation, plan)
  }

  async function send(account: Account, operation: StoredOperation, plan: CreatePlan): Promise<Created> {
    try {
      const store = await CREATES[operation.kind](account.client, plan, {
        reference: operation.reference,
        idempotencyKey: `${operation.reference}-${operation.attemptsMade}`,
      })
      const said = { account, source: 'CREATE' as const, beganAt: operation.sentAt ?? now(), now: now() }
      return await inTransaction(db, async trx => {
        const { id: recordId } = await store(trx, said)
        const succeeded = await moveOperation(trx, operation, {
          to: 'SUCCEEDED',
          now: now(),
          recordId,
          owner: null,
          ownedUntil: null,
          input: null,
          error: null,
        })
        return { operation: succeeded ?? operation, recordId, replayed: false }
      })
    } catch (error) {
      throw await settleFailure(operation, error)
    }
  }

  /** Writes down why a create did not succeed. Gives the error that the client sees. */
  async function settleFailure(operation: StoredOperation, error: unknown): Promise<unknown> {
    const certain = error instanceof ProviderError && error.outcome !== 'UNCERTAIN'
    const settled = await moveOperation(db, operation, {
      to: certain ? 'FAILED' : 'UNKNOWN',
      now: now(),
      owner: null,
      ownedUntil: null,
      error: toOperationError(error, now()),
      ...(certain && { input: null }),
    })
    return certain ? error : new OutcomeUnknownError(settled ?? operation)
  }

  function ownership() {
    const at = now()
    return {
      owner: PROCESS,
      ownedUntil: new Date(at.getTime() + settings.createDeadlineMs + OWNERSHIP_SLACK_MS),
      now: at,
    }
  }

  return { create }
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
