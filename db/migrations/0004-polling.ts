import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('sessions').addColumn('next_poll_at', 'bigint').execute()
  await db.schema
    .alterTable('sessions')
    .addColumn('polls', 'integer', column => column.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('sessions').addColumn('told_at', 'bigint').execute()
  await db.schema.createIndex('sessions_by_next_poll_at').on('sessions').columns(['next_poll_at']).execute()
}
