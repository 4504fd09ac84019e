import type { Kysely } from 'kysely'

/** A migration has no key: rows from before keep what they have in clear until they are written next, or rotated. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('sessions').addColumn('redirect_url_sealed', 'text').execute()
  await db.schema.alterTable('sessions').addColumn('details_sealed', 'text').execute()
}
