import type { ErrorCode } from '../../src/domain/error-codes.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import type { Provider } from '../../src/domain/provider.ts'
import type { Place } from '../../src/security/field-encryption.ts'
import { decryptJson, decryptJsonOrThrow, encryptJson, placeIn, type TenantOwnedRow, toDate } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import type { DeliveryRow, WebhookEndpointRow } from '../core/tables.ts'

/** An endpoint of one provider account, with the secrets that verify its deliveries. */
export interface WebhookEndpoint {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly provider: Provider
  readonly secrets: readonly string[]
  readonly privateKeys: readonly JsonObject[]
  readonly lastReceivedAt: Date | null
  readonly createdAt: Date
}

export const DELIVERY_STATES = ['STORED', 'APPLIED', 'QUARANTINED', 'DISMISSED'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** Why a delivery could not be applied. */
export interface DeliveryError {
  readonly code: ErrorCode | 'UNDECRYPTABLE' | 'UNREADABLE'
  readonly message: string
}

/** Why an operator dismissed a delivery. */
export interface Dismissal {
  readonly note: string
  /** `cli`, or the id of an API key. */
  readonly actor: string
  /** ISO 8601. */
  readonly at: string
}

/** A delivery in the inbox. Deliveries of the same event have the same `key`. */
export interface Delivery {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly endpointId: string
  readonly provider: Provider
  readonly key: string
  readonly event: string | null
  /** The provider's id of the session, applicant or customer that it is about; null if it does not name one. */
  readonly subjectId: string | null
  readonly state: DeliveryState
  /** Why it could not be applied the last time. */
  readonly error: DeliveryError | null
  readonly nextAttemptAt: Date | null
  readonly attempts: number
  readonly receivedAt: Date
  readonly appliedAt: Date | null
}

/** All columns without the content. */
export const DELIVERY_COLUMNS = [
  'id',
  'tenant_id',
  'account_id',
  'endpoint_id',
  'provider',
  'key',
  'event',
  'subject_id',
  'state',
  'error',
  'attempts',
  'next_attempt_at',
  'received_at',
  'applied_at',
] as const

interface Keys {
  readonly secrets: readonly string[]
  readonly privateKeys: readonly JsonObject[]
}

/** Inserts an endpoint, or replaces its keys. A removed endpoint is active again. */
export async function saveEndpoint(db: Database, endpoint: Omit<WebhookEndpoint, 'lastReceivedAt'>): Promise<void> {
  const { secrets, privateKeys } = endpoint
  const keys = { keys_encrypted: encryptJson(db.encryption, { secrets, privateKeys }, keysPlace(endpoint)) }
  await db.sql
    .insertInto('webhook_endpoints')
    .values({
      ...keys,
      id: endpoint.id,
      tenant_id: endpoint.tenantId,
      account_id: endpoint.accountId,
      provider: endpoint.provider,
      removed_at: null,
      last_received_at: null,
      created_at: endpoint.createdAt.getTime(),
    })
    .onConflict(conflict => conflict.column('id').doUpdateSet({ ...keys, removed_at: null }))
    .execute()
}

/** Throws UnreadableError where its keys cannot be decrypted: without them, no delivery can be verified. */
export async function findEndpoint(db: Database, provider: string, id: string): Promise<WebhookEndpoint | undefined> {
  const row = await db.sql
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('id', '=', id)
    .where('provider', '=', provider)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  return row && toEndpoint(row, decryptJsonOrThrow<Keys>(db.encryption, row.keys_encrypted, keysPlaceOf(row)))
}

/** The endpoint of a delivery, even if it was removed since. */
export async function getEndpointForAccount(
  db: Database,
  { endpointId }: Pick<Delivery, 'endpointId'>,
): Promise<WebhookEndpoint> {
  const query = db.sql.selectFrom('webhook_endpoints').selectAll().where('id', '=', endpointId)
  const row = await query.executeTakeFirstOrThrow()
  return toEndpoint(row, decryptJson<Keys>(db.encryption, row.keys_encrypted, keysPlaceOf(row)))
}

export async function listEndpoints(db: Database, tenantId: string): Promise<WebhookEndpoint[]> {
  const query = db.sql
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('removed_at', 'is', null)
    .orderBy('created_at')
  return (await query.execute()).map(row =>
    toEndpoint(row, decryptJson<Keys>(db.encryption, row.keys_encrypted, keysPlaceOf(row))),
  )
}

export async function removeEndpoint(db: Database, tenantId: string, id: string, now: Date): Promise<boolean> {
  const result = await db.sql
    .updateTable('webhook_endpoints')
    .set({ removed_at: now.getTime() })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export interface NewDelivery extends Omit<Delivery, 'attempts' | 'appliedAt' | 'nextAttemptAt'> {
  /** The headers and the body as received, so that the delivery can be parsed again. */
  readonly raw: JsonObject
}

/** A step of a transaction. False for a duplicate. */
export async function insertDelivery(db: Database, delivery: NewDelivery): Promise<boolean> {
  const result = await db.sql
    .insertInto('deliveries')
    .values(toRow(db, delivery))
    .onConflict(conflict => conflict.columns(['account_id', 'key']).doNothing())
    .executeTakeFirst()
  if (result.numInsertedOrUpdatedRows === 0n) return false
  await db.sql
    .updateTable('webhook_endpoints')
    .set({ last_received_at: delivery.receivedAt.getTime() })
    .where('id', '=', delivery.endpointId)
    .execute()
  return true
}

/** The deliveries that an account received in a time span. */
export interface Span {
  readonly tenantId: string
  readonly accountId: string
  readonly after: Date
  readonly until: Date
}

/** When the last delivery was received whose key has this prefix, or does not (`isLike`). `prefix` has no `%`. */
export async function findLastReceivedLike(
  db: Database,
  { tenantId, accountId, after, until }: Span,
  prefix: string,
  isLike: boolean,
): Promise<Date | undefined> {
  const row = await db.sql
    .selectFrom('deliveries')
    .select('received_at')
    .where('tenant_id', '=', tenantId)
    .where('account_id', '=', accountId)
    .where('received_at', '>', after.getTime())
    .where('received_at', '<=', until.getTime())
    .where('key', isLike ? 'like' : 'not like', `${prefix}%`)
    .orderBy('received_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && new Date(row.received_at)
}

/** Stored deliveries that are due, oldest first, without these accounts. */
export async function findDueDeliveries(
  db: Database,
  now: Date,
  limit: number,
  excluded: readonly string[],
): Promise<Delivery[]> {
  let query = db.sql
    .selectFrom('deliveries')
    .select(DELIVERY_COLUMNS)
    .where('state', '=', 'STORED')
    .where('next_attempt_at', '<=', now.getTime())
    .orderBy('next_attempt_at')
    .limit(limit)
  if (excluded.length > 0) query = query.where('account_id', 'not in', excluded)
  return (await query.execute()).map(toDelivery)
}

/**
 * Claims a due delivery until `until`; undefined where another process claimed it. The number of attempts identifies the claim,
 * so a process that takes longer has lost it.
 */
export async function claimDelivery(db: Database, delivery: Delivery, until: Date): Promise<Delivery | undefined> {
  const attempts = delivery.attempts + 1
  const claimed = await updateDelivery(db, delivery, { state: 'STORED', attempts, nextAttemptAt: until })
  return claimed ? { ...delivery, attempts } : undefined
}

export interface DeliveryChange {
  readonly state: DeliveryState
  readonly attempts?: number
  readonly nextAttemptAt: Date | null
  readonly appliedAt?: Date
  /** Undefined: does not change. */
  readonly error?: DeliveryError | null
}

/** False where the delivery changed since it was read. */
export async function updateDelivery(
  db: Database,
  known: Pick<Delivery, 'id' | 'state' | 'attempts'>,
  change: DeliveryChange,
): Promise<boolean> {
  const result = await db.sql
    .updateTable('deliveries')
    .set({
      state: change.state,
      next_attempt_at: change.nextAttemptAt?.getTime() ?? null,
      ...(change.attempts !== undefined && { attempts: change.attempts }),
      ...(change.appliedAt && { applied_at: change.appliedAt.getTime() }),
      ...(change.error !== undefined && { error: change.error && JSON.stringify(change.error) }),
    })
    .where('id', '=', known.id)
    .where('state', '=', known.state)
    .where('attempts', '=', known.attempts)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Dismisses a delivery in quarantine. False where it is in another state. */
export async function dismissDelivery(db: Database, delivery: TenantOwnedRow, dismissal: Dismissal): Promise<boolean> {
  const place = placeIn('deliveries', 'dismissal_encrypted', delivery)
  const result = await db.sql
    .updateTable('deliveries')
    .set({ state: 'DISMISSED', dismissal_encrypted: encryptJson(db.encryption, { ...dismissal }, place) })
    .where('tenant_id', '=', delivery.tenantId)
    .where('id', '=', delivery.id)
    .where('state', '=', 'QUARANTINED')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Why these deliveries were dismissed, by their ids. */
export async function listDismissals(
  db: Database,
  tenantId: string,
  ids: readonly string[],
): Promise<Map<string, Dismissal>> {
  if (ids.length === 0) return new Map()
  const rows = await db.sql
    .selectFrom('deliveries')
    .select(['id', 'dismissal_encrypted'])
    .where('tenant_id', '=', tenantId)
    .where('id', 'in', ids)
    .where('dismissal_encrypted', 'is not', null)
    .execute()
  return new Map(
    rows.flatMap(({ id, dismissal_encrypted }) => {
      const place = placeIn('deliveries', 'dismissal_encrypted', { id, tenantId })
      const dismissal = decryptJson<Dismissal>(db.encryption, dismissal_encrypted, place)
      return dismissal ? [[id, dismissal] as const] : []
    }),
  )
}

/** The headers and the body of a delivery as received. */
export async function readDelivery<T>(db: Database, delivery: TenantOwnedRow): Promise<T | null> {
  const row = await db.sql
    .selectFrom('deliveries')
    .select('raw_encrypted')
    .where('tenant_id', '=', delivery.tenantId)
    .where('id', '=', delivery.id)
    .executeTakeFirst()
  return row ? decryptJson<T>(db.encryption, row.raw_encrypted, rawPlace(delivery)) : null
}

/** The place of a delivery's content. */
export function rawPlace(delivery: TenantOwnedRow): Place {
  return placeIn('deliveries', 'raw_encrypted', delivery)
}

/** The tenant's newest deliveries, in any state or in one. */
export async function listDeliveries(
  db: Database,
  tenantId: string,
  limit: number,
  state?: DeliveryState,
): Promise<Delivery[]> {
  const query = db.sql
    .selectFrom('deliveries')
    .select(DELIVERY_COLUMNS)
    .where('tenant_id', '=', tenantId)
    .orderBy('received_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  const matching = state === undefined ? query : query.where('state', '=', state)
  return (await matching.execute()).map(toDelivery)
}

export async function findDelivery(db: Database, tenantId: string, id: string): Promise<Delivery | undefined> {
  const row = await db.sql
    .selectFrom('deliveries')
    .select(DELIVERY_COLUMNS)
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toDelivery(row)
}

/** Deletes at most `limit` deliveries that were received before `before`, except deliveries that are not applied yet. */
export async function pruneDeliveries(db: Database, before: Date, limit: number): Promise<number> {
  const old = db.sql
    .selectFrom('deliveries')
    .select('id')
    .where('received_at', '<', before.getTime())
    .where('state', '<>', 'STORED')
    .limit(limit)
  // A delivery may be replayed while this waits for its row lock, so the condition is checked again.
  const result = await db.sql
    .deleteFrom('deliveries')
    .where('id', 'in', old)
    .where('state', '<>', 'STORED')
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

/** When each account last received a delivery. */
export async function findLastReceived(db: Database, accountIds: readonly string[]): Promise<Map<string, Date>> {
  if (accountIds.length === 0) return new Map()
  const rows = await db.sql
    .selectFrom('webhook_endpoints')
    .select(['account_id', eb => eb.fn.max('last_received_at').as('at')])
    .where('account_id', 'in', accountIds)
    .where('last_received_at', 'is not', null)
    .groupBy('account_id')
    .execute()
  return new Map(rows.flatMap(row => (row.at === null ? [] : [[row.account_id, toDate(row.at)] as const])))
}

function keysPlaceOf({ id, tenant_id: tenantId }: Pick<WebhookEndpointRow, 'id' | 'tenant_id'>): Place {
  return keysPlace({ id, tenantId })
}

function keysPlace(endpoint: TenantOwnedRow): Place {
  return placeIn('webhook_endpoints', 'keys_encrypted', endpoint)
}

function toEndpoint(row: WebhookEndpointRow, keys: Keys | null): WebhookEndpoint {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    provider: row.provider as Provider,
    secrets: keys?.secrets ?? [],
    privateKeys: keys?.privateKeys ?? [],
    lastReceivedAt: toDate(row.last_received_at),
    createdAt: toDate(row.created_at),
  }
}

function toRow(db: Database, delivery: NewDelivery): DeliveryRow {
  return {
    id: delivery.id,
    tenant_id: delivery.tenantId,
    account_id: delivery.accountId,
    endpoint_id: delivery.endpointId,
    provider: delivery.provider,
    key: delivery.key,
    event: delivery.event,
    subject_id: delivery.subjectId,
    state: delivery.state,
    error: delivery.error && JSON.stringify(delivery.error),
    dismissal_encrypted: null,
    raw_encrypted: encryptJson(db.encryption, delivery.raw, rawPlace(delivery)),
    attempts: 0,
    next_attempt_at: delivery.state === 'STORED' ? delivery.receivedAt.getTime() : null,
    received_at: delivery.receivedAt.getTime(),
    applied_at: null,
  }
}

export function toDelivery(row: Omit<DeliveryRow, 'dismissal_encrypted' | 'raw_encrypted'>): Delivery {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    endpointId: row.endpoint_id,
    provider: row.provider as Provider,
    key: row.key,
    event: row.event,
    subjectId: row.subject_id,
    state: row.state as DeliveryState,
    error: parseError(row.error),
    nextAttemptAt: toDate(row.next_attempt_at),
    attempts: row.attempts,
    receivedAt: toDate(row.received_at),
    appliedAt: toDate(row.applied_at),
  }
}

/** The column that `updateDelivery` writes. */
export function parseError(text: string | null): DeliveryError | null {
  return text === null ? null : (JSON.parse(text) as DeliveryError)
}
