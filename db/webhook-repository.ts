import type { JsonObject } from '../src/domain/json.ts'
import type { Provider } from '../src/domain/provider.ts'
import { mustOpenJson, openJson, sealJson, toDate } from './columns.ts'
import { type Database, inTransaction } from './database.ts'
import type { DeliveryRow, WebhookEndpointRow } from './tables.ts'

/** Where one provider account delivers to, with what its deliveries are verified by. */
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

export const DELIVERY_STATES = ['STORED', 'APPLIED', 'QUARANTINED'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** One delivery in the inbox. `key` is what makes a second delivery of the same thing the same. */
export interface Delivery {
  readonly id: string
  readonly tenantId: string
  readonly accountId: string
  readonly endpointId: string
  readonly provider: Provider
  readonly key: string
  readonly event: string | null
  readonly state: DeliveryState
  readonly tries: number
  readonly receivedAt: Date
  readonly appliedAt: Date | null
}

/** All but what was delivered. */
const DELIVERY_COLUMNS = [
  'id',
  'tenant_id',
  'account_id',
  'endpoint_id',
  'provider',
  'key',
  'event',
  'state',
  'tries',
  'next_try_at',
  'received_at',
  'applied_at',
] as const

interface Keys {
  readonly secrets: readonly string[]
  readonly privateKeys: readonly JsonObject[]
}

/** Opens an endpoint, or gives one that is there other keys; one that was removed is open again. */
export async function saveEndpoint(db: Database, endpoint: Omit<WebhookEndpoint, 'lastReceivedAt'>): Promise<void> {
  const { secrets, privateKeys } = endpoint
  const keys = { keys_sealed: sealJson(db.vault, { secrets, privateKeys }) }
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

/** Throws UnreadableError where its keys cannot be opened: no delivery can be told from a forged one then. */
export async function findEndpoint(db: Database, provider: string, id: string): Promise<WebhookEndpoint | undefined> {
  const row = await db.sql
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('id', '=', id)
    .where('provider', '=', provider)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  return row && toEndpoint(row, mustOpenJson<Keys>(db.vault, row.keys_sealed))
}

/** The endpoint that a delivery came in by, even where it was removed since. */
export async function getEndpointOf(db: Database, { endpointId }: Delivery): Promise<WebhookEndpoint> {
  const query = db.sql.selectFrom('webhook_endpoints').selectAll().where('id', '=', endpointId)
  const row = await query.executeTakeFirstOrThrow()
  return toEndpoint(row, openJson<Keys>(db.vault, row.keys_sealed))
}

export async function listEndpoints(db: Database, tenantId: string): Promise<WebhookEndpoint[]> {
  const query = db.sql
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('removed_at', 'is', null)
    .orderBy('created_at')
  return (await query.execute()).map(row => toEndpoint(row, openJson<Keys>(db.vault, row.keys_sealed)))
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

export interface NewDelivery extends Omit<Delivery, 'tries' | 'appliedAt'> {
  /** The headers and the body as they came in, so that it can be read again. */
  readonly raw: JsonObject
}

/** False where the same thing was delivered before. */
export function insertDelivery(db: Database, delivery: NewDelivery): Promise<boolean> {
  return inTransaction(db, async ({ sql }) => {
    const result = await sql
      .insertInto('deliveries')
      .values(toRow(db, delivery))
      .onConflict(conflict => conflict.columns(['account_id', 'key']).doNothing())
      .executeTakeFirst()
    if (result.numInsertedOrUpdatedRows === 0n) return false
    await sql
      .updateTable('webhook_endpoints')
      .set({ last_received_at: delivery.receivedAt.getTime() })
      .where('id', '=', delivery.endpointId)
      .execute()
    return true
  })
}

/** True where a delivery of this key came after that time. */
export async function wasDelivered(db: Database, accountId: string, key: string, after: Date): Promise<boolean> {
  const query = db.sql
    .selectFrom('deliveries')
    .select('id')
    .where('account_id', '=', accountId)
    .where('key', '=', key)
    .where('received_at', '>', after.getTime())
  return (await query.executeTakeFirst()) !== undefined
}

/** Deliveries that wait to be applied, oldest first. */
export async function findDueDeliveries(db: Database, now: Date, limit: number): Promise<Delivery[]> {
  const query = db.sql
    .selectFrom('deliveries')
    .select(DELIVERY_COLUMNS)
    .where('state', '=', 'STORED')
    .where('next_try_at', '<=', now.getTime())
    .orderBy('next_try_at')
    .limit(limit)
  return (await query.execute()).map(toDelivery)
}

/**
 * Takes a waiting delivery until then, for the try that the result names; undefined where somebody else took it. Whoever
 * does not come back until then has lost it: the next try has another number.
 */
export async function claimDelivery(db: Database, delivery: Delivery, until: Date): Promise<Delivery | undefined> {
  const tries = delivery.tries + 1
  const claimed = await updateDelivery(db, delivery, { state: 'STORED', tries, nextTryAt: until })
  return claimed ? { ...delivery, tries } : undefined
}

export interface DeliveryChange {
  readonly state: DeliveryState
  readonly tries?: number
  readonly nextTryAt: Date | null
  readonly appliedAt?: Date
}

/** False where it is not any more as it was read. */
export async function updateDelivery(
  db: Database,
  known: Pick<Delivery, 'id' | 'state' | 'tries'>,
  change: DeliveryChange,
): Promise<boolean> {
  const result = await db.sql
    .updateTable('deliveries')
    .set({
      state: change.state,
      next_try_at: change.nextTryAt?.getTime() ?? null,
      ...(change.tries !== undefined && { tries: change.tries }),
      ...(change.appliedAt && { applied_at: change.appliedAt.getTime() }),
    })
    .where('id', '=', known.id)
    .where('state', '=', known.state)
    .where('tries', '=', known.tries)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** The headers and the body of a delivery as they came in. */
export async function readDelivery<T>(db: Database, id: string): Promise<T | null> {
  const query = db.sql.selectFrom('deliveries').select('raw_sealed').where('id', '=', id)
  const row = await query.executeTakeFirst()
  return row ? openJson<T>(db.vault, row.raw_sealed) : null
}

/** The tenant's newest deliveries. */
export async function listDeliveries(db: Database, tenantId: string, limit: number): Promise<Delivery[]> {
  const query = db.sql
    .selectFrom('deliveries')
    .select(DELIVERY_COLUMNS)
    .where('tenant_id', '=', tenantId)
    .orderBy('received_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  return (await query.execute()).map(toDelivery)
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

/** Removes up to so many deliveries that came before that time. One that still waits to be applied stays. */
export async function pruneDeliveries(db: Database, before: Date, limit: number): Promise<number> {
  const old = db.sql
    .selectFrom('deliveries')
    .select('id')
    .where('received_at', '<', before.getTime())
    .where('state', '<>', 'STORED')
    .limit(limit)
  const result = await db.sql.deleteFrom('deliveries').where('id', 'in', old).executeTakeFirst()
  return Number(result.numDeletedRows)
}

/** When each account last had a delivery. */
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
    state: delivery.state,
    raw_sealed: sealJson(db.vault, delivery.raw),
    tries: 0,
    next_try_at: delivery.state === 'STORED' ? delivery.receivedAt.getTime() : null,
    received_at: delivery.receivedAt.getTime(),
    applied_at: null,
  }
}

function toDelivery(row: Omit<DeliveryRow, 'raw_sealed'>): Delivery {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    endpointId: row.endpoint_id,
    provider: row.provider as Provider,
    key: row.key,
    event: row.event,
    state: row.state as DeliveryState,
    tries: row.tries,
    receivedAt: toDate(row.received_at),
    appliedAt: toDate(row.applied_at),
  }
}
