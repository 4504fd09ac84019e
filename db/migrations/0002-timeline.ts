import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('positions')
    .addColumn('tenant_id', 'text', column => column.primaryKey())
    .addColumn('position', 'bigint', column => column.notNull())
    .execute()

  await db.schema
    .createTable('events')
    .addColumn('tenant_id', 'text', column => column.notNull())
    .addColumn('position', 'bigint', column => column.notNull())
    .addColumn('id', 'text', column => column.notNull().unique())
    .addColumn('session_id', 'text', column => column.notNull().references('sessions.id'))
    .addColumn('at', 'bigint', column => column.notNull())
    .addColumn('source', 'text', column => column.notNull())
    .addColumn('data', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('events_key', ['tenant_id', 'position'])
    .execute()

  await db.schema
    .createIndex('events_by_session_id_position')
    .on('events')
    .columns(['session_id', 'position'])
    .execute()
}
