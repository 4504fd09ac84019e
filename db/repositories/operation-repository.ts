import type { ErrorCode } from '../../src/domain/error-codes.ts'
import type { InputIssue } from '../../src/domain/errors.ts'
import type { Json } from '../../src/domain/json.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { OperationKind, OperationState, ProviderOperation } from '../../src/domain/records/operation.ts'
import type { Place } from '../../src/security/field-encryption.ts'
import {
  decryptJson,
  encryptJson,
  omitUndefined,
  parseJson,
  placeIn,
  type TenantOwnedRow,
  toDate,
  toTime,
} from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { isUniqueViolation } from '../core/database-error.ts'
import { forUpdate } from '../core/dialect.ts'
import { prepareQuery } from '../core/prepared-query.ts'
import { isOfTenant } from '../core/record-queries.ts'
import type { OperationRow } from '../core/tables.ts'
import { hashTombstoneKeys, type TombstoneKey } from './tombstone-repository.ts'

/** The error of a create, with the fields of its GraphQL type, so that a replay returns the same error. */
export interface OperationError {
  readonly code: ErrorCode
  readonly message: string
  /** The message for operators: what happened, without what a client does about it. */
  readonly summary?: string
  readonly at: Date
  readonly providerCode?: string | null
  readonly issues?: readonly InputIssue[]
  readonly retryAfterSeconds?: number | null
}

/** A create operation with the columns that only the services read. */
export interface StoredOperation extends ProviderOperation {
  readonly lastError: OperationError | null
  readonly requestId: string | null
  /** The number of the latest attempt by a caller. An attempt and its repeats have the same idempotency key at the provider. */
  readonly attempt: number
  /** How often the server sent the latest attempt again. */
  readonly repeats: number
  /** How many of the attempts failed before they were sent. */
  readonly unsent: number
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
  readonly kind: OperationKind
  readonly provider: Provider
  readonly idempotencyKey: string
  readonly fingerprint: string
  readonly reference: string
  /** The request that makes it; null for background work. */
  readonly requestId: string | null
  readonly input: Json
  /** The person of the create: its external id, and the records that the input names. */
  readonly subjects: readonly TombstoneKey[]
  readonly owner: string
  readonly ownedUntil: Date
  readonly now: Date
}

/** Inserts an operation in state SENT. Undefined where the tenant already used the idempotency key. */
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
    request_id: operation.requestId,
    input_encrypted: encryptJson(db.encryption, operation.input, inputPlace(operation)),
    subject_hashes: await hashSubjects(db, operation.subjects, operation.now),
    record_id: null,
    recovered: 0,
    send_count: 1,
    repeats: 0,
    unsent: 0,
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

const INSERT = prepareQuery((db, row: OperationRow) => db.sql.insertInto('operations').values(row))

export interface Transition {
  readonly to: OperationState
  readonly now: Date
  readonly recordId?: string
  readonly recovered?: boolean
  readonly error?: OperationError | null
  readonly owner?: string | null
  readonly ownedUntil?: Date | null
  readonly sentAt?: Date
  readonly nextCheckAt?: Date | null
  readonly attempt?: number
  readonly repeats?: number
  readonly unsent?: number
  readonly checks?: number
  readonly note?: string | null
  /** Undefined: does not change; null: deletes the input. */
  readonly input?: Json
  /** Undefined: does not change. */
  readonly subjects?: readonly TombstoneKey[]
}

/** Changes the state of an operation. Undefined where its state or fence changed since it was read. */
export async function transitionOperation(
  db: Database,
  operation: StoredOperation,
  transition: Transition,
): Promise<StoredOperation | undefined> {
  const { now, subjects } = transition
  const columns: Partial<OperationRow> = {
    ...toColumns(db, operation, transition),
    ...(subjects && { subject_hashes: await hashSubjects(db, subjects, now) }),
  }
  const [row] = await TRANSITION(db, operation.id, operation.state, operation.fence, columns)
  return row && toOperation(row)
}

const TRANSITION = prepareQuery(
  (db, id: string, state: OperationState, fence: number, columns: Partial<OperationRow>) =>
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

const SELECT_BY_IDS = prepareQuery((db, tenantId: string, ...ids: string[]) => {
  const query = db.sql.selectFrom('operations').selectAll().where('id', 'in', ids).where(isOfTenant(tenantId))
  return query.$call(forUpdate(db))
})

export async function findOperationByKey(
  db: Database,
  tenantId: string,
  idempotencyKey: string,
): Promise<StoredOperation | undefined> {
  const [row] = await SELECT_BY_KEY(db, tenantId, idempotencyKey)
  return row && toOperation(row)
}

const SELECT_BY_KEY = prepareQuery((db, tenantId: string, key: string) =>
  db.sql.selectFrom('operations').selectAll().where('tenant_id', '=', tenantId).where('idempotency_key', '=', key),
)

/** The create of this account with this marker whose outcome is unknown. */
export async function findUnknownOperation(
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

const TABLES = { CREATE_APPLICANT: 'applicants', CREATE_CUSTOMER: 'customers', CREATE_SESSION: 'sessions' } as const

/** The provider ids of the records that creates of the same kind and account made within `ms` of this one. */
export async function findCreatedAround(db: Database, operation: StoredOperation, ms: number): Promise<string[]> {
  const at = (operation.sentAt ?? operation.createdAt).getTime()
  const created = db.sql
    .selectFrom('operations')
    .select('record_id')
    .where('tenant_id', '=', operation.tenantId)
    .where('created_at', '>=', at - ms)
    .where('created_at', '<=', at + ms)
    .where('account_id', '=', operation.accountId)
    .where('kind', '=', operation.kind)
    .where('state', '=', 'SUCCEEDED')
  const rows = await db.sql
    .selectFrom(TABLES[operation.kind])
    .select('provider_id')
    .where('id', 'in', created)
    .execute()
  return rows.map(row => row.provider_id)
}

/** The input of a create that is not settled, as `insertOperation` or a transition wrote it. */
export async function decryptOperationInput<T>(db: Database, operation: TenantOwnedRow): Promise<T | undefined> {
  const row = await db.sql
    .selectFrom('operations')
    .select('input_encrypted')
    .where('tenant_id', '=', operation.tenantId)
    .where('id', '=', operation.id)
    .executeTakeFirst()
  return (row && decryptJson<T>(db.encryption, row.input_encrypted, inputPlace(operation))) ?? undefined
}

/** The place of an operation's input. */
export function inputPlace(operation: TenantOwnedRow): Place {
  return placeIn('operations', 'input_encrypted', operation)
}

/** Stores the note of the provider's client about the running attempt. */
export async function saveOperationNote(db: Database, id: string, note: string): Promise<void> {
  await db.sql.updateTable('operations').set({ note }).where('id', '=', id).execute()
}

/** Operations that no process owns and that are due for a check, the longest waiting first. */
export async function findDueOperations(
  db: Database,
  now: Date,
  limit: number,
  excluded: readonly string[],
): Promise<StoredOperation[]> {
  const query = db.sql
    .selectFrom('operations')
    .selectAll()
    .where(eb =>
      eb.or([
        eb.and([eb('state', 'in', ['PENDING', 'SENT']), eb('owned_until', '<', now.getTime())]),
        eb.and([
          eb('state', '=', 'UNKNOWN'),
          eb('next_check_at', '<=', now.getTime()),
          eb('account_id', 'not in', excluded),
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
  states: readonly OperationState[],
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

/** Deletes at most `limit` creates that were settled before `before`. Returns their number. */
export async function pruneOperations(db: Database, before: Date, limit: number): Promise<number> {
  const settled = ['SUCCEEDED', 'FAILED']
  const old = db.sql
    .selectFrom('operations')
    .select('id')
    .where('state', 'in', settled)
    .where('updated_at', '<', before.getTime())
    .limit(limit)
  // A create may be sent again while this waits for its row lock, so the condition is checked again.
  const result = await db.sql
    .deleteFrom('operations')
    .where('id', 'in', old)
    .where('state', 'in', settled)
    .where('updated_at', '<', before.getTime())
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

async function hashSubjects(db: Database, subjects: readonly TombstoneKey[], now: Date): Promise<string> {
  return (await hashTombstoneKeys(db, subjects, now)).join(' ')
}

function toColumns(db: Database, operation: StoredOperation, transition: Transition): Partial<OperationRow> {
  return omitUndefined({
    state: transition.to,
    fence: operation.fence + 1,
    record_id: transition.recordId,
    recovered: transition.recovered === undefined ? undefined : Number(transition.recovered),
    error: transition.error && JSON.stringify(transition.error),
    owner: transition.owner,
    owned_until: toTime(transition.ownedUntil),
    sent_at: transition.sentAt?.getTime(),
    next_check_at: toTime(transition.nextCheckAt),
    send_count: transition.attempt,
    repeats: transition.repeats,
    unsent: transition.unsent,
    checks: transition.checks,
    note: transition.note,
    input_encrypted: encryptJson(db.encryption, transition.input, inputPlace(operation)),
    updated_at: transition.now.getTime(),
  }) as Partial<OperationRow>
}

export function toOperation(row: OperationRow): StoredOperation {
  const error = row.error === null ? null : parseJson<Omit<OperationError, 'at'> & { at: string }>(row.error)
  const sendCount = row.send_count + row.repeats - row.unsent
  return {
    id: row.id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    kind: row.kind as OperationKind,
    idempotencyKey: row.idempotency_key,
    fingerprint: row.fingerprint,
    provider: row.provider as Provider,
    state: row.state as OperationState,
    reference: row.reference,
    recovered: row.recovered === 1,
    nextCheckAt: toDate(row.next_check_at),
    recordId: row.record_id,
    lastError: error && { ...error, at: new Date(error.at) },
    sendCount,
    sentAt: sendCount === 0 ? null : toDate(row.sent_at),
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
    requestId: row.request_id,
    attempt: row.send_count,
    repeats: row.repeats,
    unsent: row.unsent,
    checks: row.checks,
    note: row.note,
    fence: row.fence,
    owner: row.owner,
    ownedUntil: toDate(row.owned_until),
  }
}
