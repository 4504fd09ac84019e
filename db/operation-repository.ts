import type { ErrorCode, InputIssue } from '../src/domain/errors.ts'
import type { Json } from '../src/domain/json.ts'
import type { CreateKind, CreateOperation, CreateState } from '../src/domain/operation.ts'
import type { Provider } from '../src/domain/provider.ts'
import { defined, openJson, parseJson, sealJson, toDate, toTime } from './columns.ts'
import type { Database } from './database.ts'
import { locked } from './dialect.ts'
import { isUniqueViolation } from './failure.ts'
import { keptQuery } from './kept-query.ts'
import type { OperationRow } from './tables.ts'

/** Why a create did not succeed, with what its typed error carries, so that a replay can say the same. */
export interface OperationError {
  readonly code: ErrorCode
  readonly message: string
  readonly at: Date
  readonly providerCode?: string | null
  readonly issues?: readonly InputIssue[]
  readonly retryAfterSeconds?: number | null
}

/** A create operation with what only the journal needs to know of it. */
export interface StoredOperation extends CreateOperation {
  readonly lastError: OperationError | null
  readonly repeats: number
  readonly checks: number
  readonly note: string | null
  readonly fence: number
  readonly owner: string | null
  readonly ownedUntil: Date | null
}

export interface NewOperation {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly kind: CreateKind
  readonly provider: Provider
  readonly idempotencyKey: string
  readonly fingerprint: string
  readonly reference: string
  readonly input: Json
  readonly owner: string
  readonly ownedUntil: Date
  readonly now: Date
}

/** Writes an operation that is being sent. Undefined where the tenant has used the key already. */
export async function insertOperation(db: Database, operation: NewOperation): Promise<StoredOperation | undefined> {
  const row: OperationRow = {
    id: operation.id,
    tenant_id: operation.tenantId,
    account_id: operation.accountId,
    kind: operation.kind,
    provider: operation.provider,
    idempotency_key: operation.idempotencyKey,
    fingerprint: operation.fingerprint,
    state: 'SENT',
    reference: operation.reference,
    input_sealed: sealJson(db.vault, operation.input),
    record_id: null,
    recovered: 0,
    tries: 1,
    repeats: 0,
    checks: 0,
    note: null,
    fence: 1,
    owner: operation.owner,
    owned_until: operation.ownedUntil.getTime(),
    sent_at: operation.now.getTime(),
    next_check_at: null,
    error: null,
    created_at: operation.now.getTime(),
    updated_at: operation.now.getTime(),
  }
  try {
    await INSERT(db, row)
    return toOperation(row)
  } catch (error) {
    if (isUniqueViolation(error)) return undefined
    throw error
  }
}

const INSERT = keptQuery((db, row: OperationRow) => db.sql.insertInto('operations').values(row))

export interface Transition {
  readonly to: CreateState
  readonly now: Date
  readonly recordId?: string
  readonly recovered?: boolean
  readonly error?: OperationError | null
  readonly owner?: string | null
  readonly ownedUntil?: Date | null
  readonly sentAt?: Date
  readonly nextCheckAt?: Date | null
  readonly tries?: number
  readonly repeats?: number
  readonly checks?: number
  readonly note?: string | null
  /** Absent: the input stays as it is; null: it is not needed any more. */
  readonly input?: Json
}

/**
 * Moves an operation on, where nobody moved it since it was read (its state and fence are compared). Undefined where
 * somebody did.
 */
export async function moveOperation(
  db: Database,
  operation: StoredOperation,
  transition: Transition,
): Promise<StoredOperation | undefined> {
  const [row] = await MOVE(db, operation.id, operation.state, operation.fence, toColumns(db, operation, transition))
  return row && toOperation(row)
}

const MOVE = keptQuery((db, id: string, state: CreateState, fence: number, columns: Partial<OperationRow>) =>
  db.sql
    .updateTable('operations')
    .set(columns)
    .where('id', '=', id)
    .where('state', '=', state)
    .where('fence', '=', fence)
    .returningAll(),
)

export async function findOperations(
  db: Database,
  tenantId: string,
  ids: readonly string[],
): Promise<StoredOperation[]> {
  if (ids.length === 0) return []
  return (await SELECT_BY_IDS(db, tenantId, ...ids)).map(toOperation)
}

const SELECT_BY_IDS = keptQuery((db, tenantId: string, ...ids: string[]) => {
  const query = db.sql.selectFrom('operations').selectAll().where('tenant_id', '=', tenantId).where('id', 'in', ids)
  return query.$call(locked(db))
})

export async function findOperationByKey(
  db: Database,
  tenantId: string,
  idempotencyKey: string,
): Promise<StoredOperation | undefined> {
  const [row] = await SELECT_BY_KEY(db, tenantId, idempotencyKey)
  return row && toOperation(row)
}

const SELECT_BY_KEY = keptQuery((db, tenantId: string, key: string) =>
  db.sql.selectFrom('operations').selectAll().where('tenant_id', '=', tenantId).where('idempotency_key', '=', key),
)

/** The create of this account that carries our marker and of which it is not known what became. */
export async function findLostOperation(
  db: Database,
  accountId: string,
  reference: string,
): Promise<StoredOperation | undefined> {
  const query = db.sql
    .selectFrom('operations')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('reference', '=', reference)
    .where('state', '=', 'UNKNOWN')
  const row = await query.executeTakeFirst()
  return row && toOperation(row)
}

/** The input of a create that is not settled yet, as `insertOperation` or a transition wrote it. */
export async function readOperationInput<T>(db: Database, id: string): Promise<T | undefined> {
  const row = await db.sql.selectFrom('operations').select('input_sealed').where('id', '=', id).executeTakeFirst()
  return (row && openJson<T>(db.vault, row.input_sealed)) ?? undefined
}

/** Lets the provider's client remember something about the try that is under way. */
export async function noteOperation(db: Database, id: string, note: string): Promise<void> {
  await db.sql.updateTable('operations').set({ note }).where('id', '=', id).execute()
}

/** Operations that nobody has in flight and that it is time to look at, the longest waiting first. */
export async function findDueOperations(db: Database, now: Date, limit: number): Promise<StoredOperation[]> {
  const query = db.sql
    .selectFrom('operations')
    .selectAll()
    .where(eb =>
      eb.or([
        eb.and([eb('state', 'in', ['PENDING', 'SENT']), eb('owned_until', '<', now.getTime())]),
        eb.and([
          eb('state', '=', 'UNKNOWN'),
          eb('next_check_at', '<=', now.getTime()),
          eb.or([eb('owned_until', 'is', null), eb('owned_until', '<', now.getTime())]),
        ]),
      ]),
    )
    .orderBy('next_check_at', order => order.asc().nullsFirst())
    .limit(limit)
  return (await query.execute()).map(toOperation)
}

/** The tenant's operations in one of these states, the newest first. */
export async function listOperations(
  db: Database,
  tenantId: string,
  states: readonly CreateState[],
  limit: number,
): Promise<StoredOperation[]> {
  const query = db.sql
    .selectFrom('operations')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('state', 'in', states)
    .orderBy('created_at', 'desc')
    .limit(limit)
  return (await query.execute()).map(toOperation)
}

/** Removes up to so many creates that are settled since before that time. What is not settled is never removed. */
export async function pruneOperations(db: Database, before: Date, limit: number): Promise<number> {
  const old = db.sql
    .selectFrom('operations')
    .select('id')
    .where('state', 'in', ['SUCCEEDED', 'FAILED'])
    .where('updated_at', '<', before.getTime())
    .limit(limit)
  const result = await db.sql.deleteFrom('operations').where('id', 'in', old).executeTakeFirst()
  return Number(result.numDeletedRows)
}

function toColumns(db: Database, operation: StoredOperation, transition: Transition): Partial<OperationRow> {
  return defined({
    state: transition.to,
    fence: operation.fence + 1,
    record_id: transition.recordId,
    recovered: transition.recovered === undefined ? undefined : Number(transition.recovered),
    error: transition.error && JSON.stringify(transition.error),
    owner: transition.owner,
    owned_until: toTime(transition.ownedUntil),
    sent_at: transition.sentAt?.getTime(),
    next_check_at: toTime(transition.nextCheckAt),
    tries: transition.tries,
    repeats: transition.repeats,
    checks: transition.checks,
    note: transition.note,
    input_sealed: sealJson(db.vault, transition.input),
    updated_at: transition.now.getTime(),
  }) as Partial<OperationRow>
}

function toOperation(row: OperationRow): StoredOperation {
  const error = row.error === null ? null : parseJson<Omit<OperationError, 'at'> & { at: string }>(row.error)
  return {
    id: row.id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    kind: row.kind as CreateKind,
    idempotencyKey: row.idempotency_key,
    fingerprint: row.fingerprint,
    provider: row.provider as Provider,
    state: row.state as CreateState,
    reference: row.reference,
    recovered: row.recovered === 1,
    nextCheckAt: toDate(row.next_check_at),
    recordId: row.record_id,
    lastError: error && { ...error, at: new Date(error.at) },
    attemptsMade: row.tries,
    sentAt: toDate(row.sent_at),
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
    repeats: row.repeats,
    checks: row.checks,
    note: row.note,
    fence: row.fence,
    owner: row.owner,
    ownedUntil: toDate(row.owned_until),
  }
}
