import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('drift')
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull())
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('operation', 'text', column => column.notNull())
    .addColumn('grade', 'text', column => column.notNull())
    .addColumn('path', 'text', column => column.notNull())
    .addColumn('shape', 'text')
    .addColumn('times', 'bigint', column => column.notNull())
    .addColumn('first_at', 'bigint', column => column.notNull())
    .addColumn('last_at', 'bigint', column => column.notNull())
    .addPrimaryKeyConstraint('drift_key', ['account_id', 'operation', 'grade', 'path'])
    .execute()
  await db.schema.createIndex('drift_by_tenant').on('drift').columns(['tenant_id', 'last_at']).execute()
  await db.schema.createIndex('drift_by_last_at').on('drift').columns(['last_at']).execute()

  await db.schema
    .createTable('provider_minutes')
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull())
    .addColumn('provider', 'text', column => column.notNull())
    .addColumn('at', 'bigint', column => column.notNull())
    .addColumn('instance', 'text', column => column.notNull())
    .addColumn('calls', 'integer', column => column.notNull())
    .addColumn('failures', 'integer', column => column.notNull())
    .addColumn('p50_ms', 'integer')
    .addColumn('p95_ms', 'integer')
    .addColumn('circuit', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('provider_minutes_key', ['account_id', 'at', 'instance'])
    .execute()
  await db.schema
    .createIndex('provider_minutes_by_tenant')
    .on('provider_minutes')
    .columns(['tenant_id', 'at'])
    .execute()
  await db.schema.createIndex('provider_minutes_by_at').on('provider_minutes').columns(['at']).execute()
}
