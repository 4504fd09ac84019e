import type { JsonObject } from '../src/domain/json.ts'
import type { Provider } from '../src/domain/provider.ts'
import { openJson, sealJson, toDate } from './columns.ts'
import { type Database, isUniqueViolation } from './database.ts'
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

interface Keys {
  readonly secrets: readonly string[]
  readonly privateKeys: readonly JsonObject[]
}

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
    .onConflict(conflict => conflict.column('id').doUpdateSet(keys))
    .execute()
}

export async function findEndpoint(db: Database, provider: string, id: string): Promise<WebhookEndpoint | undefined> {
  const row = await db.sql
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('id', '=', id)
    .where('provider', '=', provider)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  return row && toEndpoint(db, row)
}

export async function listEndpoints(db: Database, tenantId: string): Promise<WebhookEndpoint[]> {
  const query = db.sql
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('removed_at', 'is', null)
    .orderBy('created_at')
  return (await query.execute()).map(row => toEndpoint(db, row))
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
export async function insertDelivery(db: Database, delivery: NewDelivery): Promise<boolean> {
  const row: DeliveryRow = {
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
  try {
    await db.sql.insertInto('deliveries').values(row).execute()
  } catch (error) {
    if (isUniqueViolation(error)) return false
    throw error
  }
  await db.sql
    .updateTable('webhook_endpoints')
    .set({ last_received_at: row.received_at })
    .where('id', '=', row.endpoint_id)
    .execute()
  return true
}

/** Deliveries that wait to be applied, oldest first. */
export async function findDueDeliveries(db: Database, now: Date, limit: number): Promise<Delivery[]> {
  const query = db.sql
    .selectFrom('deliveries')
    .selectAll()
    .where('state', '=', 'STORED')
    .where('next_try_at', '<=', now.getTime())
    .orderBy('next_try_at')
    .limit(limit)
  return (await query.execute()).map(toDelivery)
}

export interface DeliveryChange {
  readonly state: DeliveryState
  readonly event?: string
  readonly tries?: number
  readonly nextTryAt: Date | null
  readonly appliedAt?: Date
}

/** False where it is not in the state given any more. */
export async function updateDelivery(
  db: Database,
  id: string,
  from: DeliveryState,
  change: DeliveryChange,
): Promise<boolean> {
  const result = await db.sql
    .updateTable('deliveries')
    .set({
      state: change.state,
      next_try_at: change.nextTryAt?.getTime() ?? null,
      ...(change.event !== undefined && { event: change.event }),
      ...(change.tries !== undefined && { tries: change.tries }),
      ...(change.appliedAt && { applied_at: change.appliedAt.getTime() }),
    })
    .where('id', '=', id)
    .where('state', '=', from)
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
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('received_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  return (await query.execute()).map(toDelivery)
}

export async function findDelivery(db: Database, tenantId: string, id: string): Promise<Delivery | undefined> {
  const row = await db.sql
    .selectFrom('deliveries')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toDelivery(row)
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

function toEndpoint(db: Database, row: WebhookEndpointRow): WebhookEndpoint {
  const keys = openJson<Keys>(db.vault, row.keys_sealed)
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

function toDelivery(row: DeliveryRow): Delivery {
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
