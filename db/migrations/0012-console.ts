import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Holds all that is counted, so that counting reads no session.
  await db.schema
    .createIndex('sessions_counted')
    .on('sessions')
    .columns(['tenant_id', 'created_at', 'id', 'provider', 'status', 'outcome'])
    .execute()
  // What waits for an operator is little beside what is done.
  await sql`create index operations_unknown on operations (tenant_id, created_at) where state = 'UNKNOWN'`.execute(db)
  await sql`create index deliveries_open on deliveries (tenant_id, received_at) where state <> 'APPLIED'`.execute(db)
}
