import { listUnknownOperations } from '../../db/console-repository.ts'
import { DomainError } from '../domain/errors.ts'
import type { CreateOperation } from '../domain/operation.ts'
import { writeDown } from './audit.ts'
import type { Answer } from './desk.ts'

const MOST = 100
const LONGEST_ID = 200

/** The creates whose outcome nobody knows, the newest first. */
export const showOperations: Answer = async ({ db, services }, { tenantId }) => {
  const ids = await listUnknownOperations(db, tenantId, MOST)
  const found = (await services.operations.findMany({ tenantId }, ids)).filter(one => one !== undefined)
  const rows = await Promise.all(
    found.map(async operation => ({
      ...toRow(operation),
      settlesItself: await services.operations.settles(operation),
    })),
  )
  return { rows, cut: ids.length === MOST }
}

/**
 * `{ "absent": true }` or `{ "found": "the provider's id" }`: what an operator found out. Throws NOT_FOUND, BAD_REQUEST,
 * UNSUPPORTED_BY_PROVIDER.
 */
export const settle: Answer = async (desk, operator, { id, body }) => {
  const { operations } = desk.services
  const found = readVerdict(body)
  await operations.get(operator, { id })
  await writeDown(desk, operator, found === null ? 'operation.settle.absent' : 'operation.settle.found', id)
  const settled = await (found === null
    ? operations.settleAbsent(operator, id)
    : operations.settleFound(operator, id, found))
  return { row: toRow(settled) }
}

/** The provider's id of what was made; null where nothing was. */
function readVerdict(body: unknown): string | null {
  const { absent, found } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  if (absent === true && found === undefined) return null
  if (absent === undefined && typeof found === 'string' && found !== '' && found.length <= LONGEST_ID) return found
  throw new DomainError('BAD_REQUEST', 'Expected {"absent": true} or {"found": "<id at the provider>"}.')
}

/** What the client sent stays sealed. */
function toRow(operation: CreateOperation) {
  const { id, idempotencyKey, kind, provider, state, reference, createdAt, sentAt, nextCheckAt, recordId } = operation
  return {
    id,
    idempotencyKey,
    kind,
    provider,
    state,
    reference,
    createdAt,
    sentAt,
    nextCheckAt,
    recordId,
    tries: operation.attemptsMade,
    errorCode: operation.lastError?.code ?? null,
  }
}
