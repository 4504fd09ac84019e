import { findOperationByKey, findOperations } from '../../db/operation-repository.ts'
import { NotFoundError } from '../domain/errors.ts'
import type { CreateOperation } from '../domain/operation.ts'
import type { Call } from './call.ts'
import type { Deps } from './deps.ts'

export type Operations = ReturnType<typeof createOperations>

export function createOperations({ db }: Deps) {
  /** The operations with these ids; undefined where the tenant has none. */
  async function findMany(
    call: Pick<Call, 'tenantId'>,
    ids: readonly string[],
  ): Promise<(CreateOperation | undefined)[]> {
    const found = new Map((await findOperations(db, call.tenantId, ids)).map(operation => [operation.id, operation]))
    return ids.map(id => found.get(id))
  }

  /** By our id or by the caller's idempotency key. Throws NOT_FOUND. */
  async function get(
    call: Call,
    by: { readonly id?: string | null; readonly idempotencyKey?: string | null },
  ): Promise<CreateOperation> {
    const operation =
      by.idempotencyKey == null
        ? (await findMany(call, [by.id ?? '']))[0]
        : await findOperationByKey(db, call.tenantId, by.idempotencyKey)
    if (!operation) throw new NotFoundError('There is no such create operation.')
    return operation
  }

  /** True where it is known, or can be found out, what became of the create. */
  function settles(operation: CreateOperation): boolean {
    return operation.state === 'SUCCEEDED' || operation.state === 'FAILED'
  }

  return { findMany, get, settles }
}
