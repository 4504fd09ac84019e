import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_endpoints')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('keys_sealed', 'text', column => column.notNull())
    .addColumn('removed_at', 'bigint')
    .addColumn('last_received_at', 'bigint')
    .addColumn('created_at', 'bigint', column => column.notNull())
    .execute()

  await db.schema
    .createTable('deliveries')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id'))
    .addColumn('endpoint_id', 'text', column => column.notNull().references('webhook_endpoints.id'))
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('key', 'text', column => column.notNull())
    .addColumn('event', 'text')
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('raw_sealed', 'text', column => column.notNull())
    .addColumn('tries', 'integer', column => column.notNull())
    .addColumn('next_try_at', 'bigint')
    .addColumn('received_at', 'bigint', column => column.notNull())
    .addColumn('applied_at', 'bigint')
    .addUniqueConstraint('deliveries_key', ['account_id', 'key'])
    .execute()

  await db.schema.createIndex('deliveries_by_state').on('deliveries').columns(['state', 'next_try_at']).execute()
  await db.schema
    .createIndex('deliveries_by_tenant')
    .on('deliveries')
    .columns(['tenant_id', 'received_at', 'id'])
    .execute()
}
