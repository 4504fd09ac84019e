import type { ApiKey } from '../../src/domain/access/api-key.ts'
import { SCOPES } from '../../src/domain/access/caller.ts'
import { toDate, toTime } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import type { ApiKeyRow } from '../core/tables.ts'

export async function insertKey(db: Database, key: ApiKey, hash: string): Promise<void> {
  const values = {
    id: key.id,
    tenant_id: key.tenantId,
    name: key.name,
    prefix: key.prefix,
    hash,
    scopes: key.scopes.join(' '),
    cost_per_minute: key.costPerMinute,
    expires_at: toTime(key.expiresAt),
    revoked_at: toTime(key.revokedAt),
    last_used_at: toTime(key.lastUsedAt),
    created_at: key.createdAt.getTime(),
  }
  await db.sql.insertInto('api_keys').values(values).execute()
}

export async function findKeyByHash(db: Database, hash: string): Promise<ApiKey | undefined> {
  const row = await db.sql.selectFrom('api_keys').selectAll().where('hash', '=', hash).executeTakeFirst()
  return row && toKey(row)
}

/** Of any tenant. */
export async function findKeyById(db: Database, id: string): Promise<ApiKey | undefined> {
  const row = await db.sql.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toKey(row)
}

/** The keys of a tenant, oldest first, including expired and revoked ones. */
export async function listKeys(db: Database, tenantId: string): Promise<ApiKey[]> {
  const rows = await db.sql
    .selectFrom('api_keys')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(toKey)
}

/** False where the tenant has no such key. An earlier revocation does not change. */
export async function revokeKey(db: Database, tenantId: string, id: string, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await db.sql
    .updateTable('api_keys')
    .set(eb => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(now.getTime())) }))
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** False where the tenant has no such key. */
export async function limitKey(
  db: Database,
  tenantId: string,
  id: string,
  costPerMinute: number | null,
): Promise<boolean> {
  const { numUpdatedRows } = await db.sql
    .updateTable('api_keys')
    .set({ cost_per_minute: costPerMinute })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function touchKey(db: Database, id: string, now: Date): Promise<void> {
  await db.sql.updateTable('api_keys').set({ last_used_at: now.getTime() }).where('id', '=', id).execute()
}

function toKey(row: ApiKeyRow): ApiKey {
  const granted = row.scopes.split(' ')
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    prefix: row.prefix,
    // Scopes of a newer release are ignored.
    scopes: SCOPES.filter(scope => granted.includes(scope)),
    costPerMinute: row.cost_per_minute,
    expiresAt: toDate(row.expires_at),
    revokedAt: toDate(row.revoked_at),
    lastUsedAt: toDate(row.last_used_at),
    createdAt: toDate(row.created_at),
  }
}
