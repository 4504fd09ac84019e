import type { Tenant } from '../../src/domain/access/caller.ts'
import type { Database } from '../core/database.ts'
import type { TenantRow } from '../core/tables.ts'

/** False where the id is taken. */
export async function insertTenant(db: Database, { id, name, createdAt }: Tenant): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db.sql
    .insertInto('tenants')
    .values({ id, name, created_at: createdAt.getTime() })
    .onConflict(conflict => conflict.column('id').doNothing())
    .executeTakeFirst()
  return Number(numInsertedOrUpdatedRows ?? 0) > 0
}

export async function findTenant(db: Database, id: string): Promise<Tenant | undefined> {
  const row = await db.sql.selectFrom('tenants').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toTenant(row)
}

/** All tenants by id. */
export async function listTenants(db: Database): Promise<Tenant[]> {
  return (await db.sql.selectFrom('tenants').selectAll().orderBy('id').execute()).map(toTenant)
}

function toTenant({ id, name, created_at }: TenantRow): Tenant {
  return { id, name, createdAt: new Date(created_at) }
}
