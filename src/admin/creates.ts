import { listUnknownOperations } from '../../db/repositories/admin-repository.ts'
import type { StoredOperation } from '../../db/repositories/operation-repository.ts'
import { DomainError } from '../domain/errors.ts'
import type { SearchHints } from '../services/creates/operations.ts'
import type { Services } from '../services/services.ts'
import { recordAction } from './action-log.ts'
import type { AdminHandler } from './handler.ts'

const MAX_OPERATIONS = 100
const MAX_ID_LENGTH = 200

/** The newest creates with an unknown outcome. */
export const showOperations: AdminHandler = async ({ db, services }, operator) => {
  const { tenantId } = operator
  const ids = await listUnknownOperations(db, tenantId, MAX_OPERATIONS)
  const found = (await services.operations.findMany({ tenantId }, ids)).filter(one => one !== undefined)
  const rows = await Promise.all(found.map(operation => toOperationRow(services, operation)))
  return { rows, cut: ids.length === MAX_OPERATIONS }
}

/** A create with what to search for at its provider, which is decrypted for this. Throws NOT_FOUND. */
export const showOperation: AdminHandler = async ({ services }, operator, { id }) => {
  const operation = await services.operations.get(operator, { id })
  const hints = await services.operations.searchHints(operation)
  const row = await toOperationRow(services, operation)
  return { row: { ...row, searchHints: toSearchHints(hints, operator.scopes.has('pii:read')) } }
}

export async function toOperationRow({ operations }: Services, operation: StoredOperation) {
  return {
    ...toRow(operation),
    foundCheck: await operations.foundCheck(operation),
    settlesItself: await operations.settlesItself(operation),
  }
}

/**
 * `{ "absent": true }` or `{ "found": "<id at the provider>" }`: the result of the operator's search. `"confirmed": true` beside an
 * id that the provider cannot show. Throws NOT_FOUND, BAD_REQUEST, UNSUPPORTED_BY_PROVIDER, and the errors of the provider's read.
 */
export const settle: AdminHandler = async (deps, operator, { id, body }) => {
  const { operations } = deps.services
  const resolution = parseResolution(body)
  await operations.get(operator, { id })
  await recordAction(deps, operator, settleAction(resolution), id)
  const settled = await (resolution.found === null
    ? operations.settleAbsent(operator, id)
    : operations.settleFound(operator, id, resolution.found, resolution))
  return { row: toRow(settled) }
}

interface Resolution {
  /** The provider's id of the created record; null if there is none. */
  readonly found: string | null
  readonly isConfirmed: boolean
}

function settleAction({ found, isConfirmed }: Resolution): string {
  if (found === null) return 'operation.settle.absent'
  return isConfirmed ? 'operation.settle.unchecked' : 'operation.settle.found'
}

function parseResolution(body: unknown): Resolution {
  const { absent, found, confirmed } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >
  if (absent === true && found === undefined) return { found: null, isConfirmed: false }
  if (absent === undefined && typeof found === 'string' && found !== '' && found.length <= MAX_ID_LENGTH)
    return { found, isConfirmed: confirmed === true }
  throw new DomainError('BAD_REQUEST', 'Expected {"absent": true} or {"found": "<id at the provider>"}.')
}

/** Personal values are null without the scope pii:read. */
function toSearchHints(hints: SearchHints | undefined, mayReadPii: boolean) {
  if (!hints) return null
  const { window, traces, warning } = hints
  const shown = traces.map(({ where, value, isPersonal }) => ({
    where,
    value: isPersonal && !mayReadPii ? null : value,
  }))
  return { ...window, traces: shown, warning }
}

/** The client's input stays encrypted, except for the search hints. */
export function toRow(operation: StoredOperation) {
  const { id, idempotencyKey, kind, provider, state, createdAt, sentAt, nextCheckAt, recordId } = operation
  return {
    id,
    idempotencyKey,
    kind,
    provider,
    state,
    createdAt,
    sentAt,
    nextCheckAt,
    recordId,
    requestId: operation.requestId,
    sendCount: operation.sendCount,
    errorCode: operation.lastError?.code ?? null,
    errorMessage: operation.lastError?.summary ?? operation.lastError?.message ?? null,
  }
}
