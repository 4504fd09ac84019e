import { Kysely, type MigrationInfo, Migrator } from 'kysely'
import { migrations } from '../migrations/index.ts'
import { createDialect } from './dialect.ts'

const SETTINGS = { applicationName: 'sessiongraph migrate', connections: 2, connectMs: 10_000, statementMs: 0 }

/**
 * Runs the pending migrations in one transaction and under a lock, so that processes that start together run them once.
 * There is no statement timeout: waiting for the lock takes as long as the migrations of another process.
 */
export async function migrate(url: string): Promise<void> {
  const { error } = await withMigrator(url, migrator => migrator.migrateToLatest())
  if (error) throw error
}

/** All migrations, with the time at which each one ran. */
export function listMigrations(url: string): Promise<readonly MigrationInfo[]> {
  return withMigrator(url, migrator => migrator.getMigrations())
}

async function withMigrator<T>(url: string, run: (migrator: Migrator) => Promise<T>): Promise<T> {
  const db = new Kysely<unknown>({ dialect: await createDialect(url, SETTINGS) })
  try {
    return await run(createMigrator(db))
  } finally {
    await db.destroy()
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the migrator takes a database of any tables
export function createMigrator(db: Kysely<any>): Migrator {
  return new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } })
}
