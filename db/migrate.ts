import { Kysely, type MigrationInfo, Migrator } from 'kysely'
import { createDialect } from './dialect.ts'
import { migrations } from './migrations/index.ts'

/**
 * Brings the database to the newest migration: under a lock, each start after the other, all or nothing. Waiting for the
 * lock takes as long as the migrations of another process do, so no statement timeout holds here.
 */
export async function migrate(url: string): Promise<void> {
  const { error } = await withMigrator(url, migrator => migrator.migrateToLatest())
  if (error) throw error
}

/** Every migration there is, with when it was carried out, if it was. Changes nothing. */
export function listMigrations(url: string): Promise<readonly MigrationInfo[]> {
  return withMigrator(url, migrator => migrator.getMigrations())
}

async function withMigrator<T>(url: string, run: (migrator: Migrator) => Promise<T>): Promise<T> {
  const sql = new Kysely<unknown>({ dialect: await createDialect(url, SETTINGS) })
  try {
    return await run(createMigrator(sql))
  } finally {
    await sql.destroy()
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the migrator takes a database of any tables
export function createMigrator(db: Kysely<any>): Migrator {
  return new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } })
}

const SETTINGS = { applicationName: 'sessiongraph migrate', connections: 2, connectMs: 10_000, statementMs: 0 }
