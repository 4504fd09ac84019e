import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('accounts').addColumn('settings_sealed', 'text').execute()
  await db.schema
    .alterTable('accounts')
    .addColumn('connected', 'integer', column => column.notNull().defaultTo(0))
    .execute()
  await db.schema
    .alterTable('accounts')
    .addColumn('revision', 'integer', column => column.notNull().defaultTo(0))
    .execute()
  // A tenant has one account at each provider, whoever sets two at the same time.
  await db.schema
    .createIndex('accounts_connected')
    .unique()
    .on('accounts')
    .columns(['tenant_id', 'provider'])
    .where(sql.ref('connected'), '=', 1)
    .execute()
}
