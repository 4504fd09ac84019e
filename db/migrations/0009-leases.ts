import { type Kysely, sql } from 'kysely'

/** Leases get a fence, and what is pruned is found without looking at everything. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('leases')
    .addColumn('fence', 'integer', column => column.notNull().defaultTo(1))
    .execute()
  await db.schema.createIndex('deliveries_by_received_at').on('deliveries').columns(['received_at']).execute()
  await db.schema
    .createIndex('operations_by_state_updated_at')
    .on('operations')
    .columns(['state', 'updated_at'])
    .execute()
  await db.schema
    .createIndex('sessions_with_access')
    .on('sessions')
    .columns(['status'])
    .where(sql.ref('access_sealed'), 'is not', null)
    .execute()
}
