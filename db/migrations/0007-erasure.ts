import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('house_keys')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('key_sealed', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .execute()

  await db.schema
    .createTable('tombstones')
    .addColumn('hash', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('erased_at', 'bigint', column => column.notNull())
    .execute()
}
