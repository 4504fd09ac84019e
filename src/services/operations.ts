import {
  findLostOperation,
  findOperationByKey,
  findOperations,
  listOperations,
  readOperationInput,
  type StoredOperation,
} from '../../db/operation-repository.ts'
import { DomainError, NotFoundError, ProviderUnavailableError } from '../domain/errors.ts'
import type { CreateKind, CreateOperation, CreateState } from '../domain/operation.ts'
import type { Account } from './accounts.ts'
import type { Call } from './call.ts'
import { canSettle, type Journal } from './create-journal.ts'
import { CREATES } from './create-kinds.ts'
import type { CreatePlan } from './create-plan.ts'
import type { Deps } from './deps.ts'
import { toLost } from './recovery.ts'

export type Operations = ReturnType<typeof createOperations>

export function createOperations(deps: Deps, journal: Journal) {
  const { db, accounts, now } = deps

  /** The operations with these ids; undefined where the tenant has none. */
  async function findMany(
    call: Pick<Call, 'tenantId'>,
    ids: readonly string[],
  ): Promise<(StoredOperation | undefined)[]> {
    const found = new Map((await findOperations(db, call.tenantId, ids)).map(operation => [operation.id, operation]))
    return ids.map(id => found.get(id))
  }

  /** By our id or by the caller's idempotency key. Throws NOT_FOUND. */
  async function get(
    call: Pick<Call, 'tenantId'>,
    by: { readonly id?: string | null; readonly idempotencyKey?: string | null },
  ): Promise<StoredOperation> {
    const operation =
      by.idempotencyKey == null
        ? (await findMany(call, [by.id ?? '']))[0]
        : await findOperationByKey(db, call.tenantId, by.idempotencyKey)
    if (!operation) throw new NotFoundError('There is no such create operation.')
    return operation
  }

  function list(
    call: Pick<Call, 'tenantId'>,
    states: readonly CreateState[],
    limit: number,
  ): Promise<StoredOperation[]> {
    return listOperations(db, call.tenantId, states, limit)
  }

  /** True where it is known, or can be found out without an operator, what became of the create. */
  async function settles(operation: CreateOperation): Promise<boolean> {
    if (operation.state !== 'UNKNOWN') return true
    const account = await accounts.find(operation)
    // Who reads an operation reads it as stored; only its journal's fields are missing from the public type.
    return account !== undefined && canSettle(account, operation as StoredOperation, now())
  }

  /** An operator found that nothing was made. Throws where the operation is not UNKNOWN. */
  async function settleAbsent(call: Pick<Call, 'tenantId'>, id: string): Promise<StoredOperation> {
    const operation = await getUnknown(call, id)
    const { provider } = operation
    const error = new ProviderUnavailableError(
      'PROVIDER_UNAVAILABLE',
      provider,
      'An operator settled that it was never made.',
    )
    const failed = await journal.fail(operation, error)
    if (!failed) throw moved()
    return failed
  }

  /** An operator found what was made, under this id. Throws where the provider cannot say anything about it. */
  async function settleFound(call: Pick<Call, 'tenantId'>, id: string, providerId: string): Promise<StoredOperation> {
    return settleAs(await getUnknown(call, id), providerId)
  }

  /** A webhook told what carries our marker: the create whose answer never came is settled, if it is one of that kind. */
  async function settleTold(account: Account, kind: CreateKind, reference: string, providerId: string): Promise<void> {
    const lost = await findLostOperation(db, account.id, reference)
    if (lost?.kind === kind) await settleAs(lost, providerId)
  }

  async function settleAs(operation: StoredOperation, providerId: string): Promise<StoredOperation> {
    const account = await accounts.of(operation)
    const plan = await readOperationInput<CreatePlan>(db, operation.id)
    const recovery = plan && CREATES[operation.kind].recovery(account.client, plan)
    if (!plan || !recovery?.assume) {
      const message = `${operation.provider} tells nothing about a ${operation.kind.toLowerCase()} found under an id.`
      throw new DomainError('UNSUPPORTED_BY_PROVIDER', message)
    }
    const store = await recovery.assume(toLost(operation, plan), providerId, {})
    return (await journal.succeed(account, operation, store, true)).operation
  }

  async function getUnknown(call: Pick<Call, 'tenantId'>, id: string): Promise<StoredOperation> {
    const operation = await get(call, { id })
    if (operation.state === 'UNKNOWN') return operation
    throw new DomainError('BAD_REQUEST', `Expected an operation that is UNKNOWN; this one is ${operation.state}.`)
  }

  return { findMany, get, list, settles, settleAbsent, settleFound, settleTold }
}

function moved(): DomainError {
  return new DomainError('BAD_REQUEST', 'The operation was settled meanwhile.')
}
