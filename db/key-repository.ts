import type { ApiKey } from '../src/domain/api-key.ts'
import { SCOPES } from '../src/domain/caller.ts'
import { toDate, toTime } from './columns.ts'
import type { Database } from './database.ts'
import type { ApiKeyRow } from './tables.ts'

export async function insertKey(db: Database, key: ApiKey, hash: string): Promise<void> {
  const values = {
    id: key.id,
    tenant_id: key.tenantId,
    name: key.name,
    prefix: key.prefix,
    hash,
    scopes: key.scopes.join(' '),
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

/** By its id, of whichever tenant. */
export async function findKeyById(db: Database, id: string): Promise<ApiKey | undefined> {
  const row = await db.sql.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toKey(row)
}

/** The keys of a tenant, oldest first, also those that are over. */
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

/** False where the tenant has no such key. One that was revoked before stays as it was. */
export async function revokeKey(db: Database, tenantId: string, id: string, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await db.sql
    .updateTable('api_keys')
    .set(eb => ({ revoked_at: eb.fn.coalesce('revoked_at', eb.val(now.getTime())) }))
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
    // A scope that a newer version granted means nothing here.
    scopes: SCOPES.filter(scope => granted.includes(scope)),
    expiresAt: toDate(row.expires_at),
    revokedAt: toDate(row.revoked_at),
    lastUsedAt: toDate(row.last_used_at),
    createdAt: toDate(row.created_at),
  }
}
