import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely } from 'kysely'
import type { Vault } from '../src/security/vault.ts'
import { createDialect, type Engine, engineOf } from './dialect.ts'
import { isConflict, isUniqueViolation } from './failure.ts'
import { createMigrator, migrate } from './migrate.ts'
import type { Tables } from './tables.ts'

/** What every repository function takes first: where the rows are, and the vault for what is sealed in them. */
export interface Database {
  readonly sql: Kysely<Tables>
  readonly engine: Engine
  readonly vault: Vault
  /** What was read of it once and never changes. */
  readonly known: { houseKey?: Buffer }
}

export interface OpenDatabase extends Database {
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** PostgreSQL: how many connections at most, and how long one may be waited for. */
  readonly connections: number
  readonly connectMs: number
  /** PostgreSQL: how long one statement may take. */
  readonly statementMs: number
  /** False to refuse a database that lacks a migration instead of carrying it out. */
  readonly migrate: boolean
}

const DEFAULTS: DatabaseOptions = { connections: 10, connectMs: 2_000, statementMs: 5_000, migrate: true }

/**
 * Opens the database and brings it to the newest migration. `url`: `sqlite:<file>`, `sqlite::memory:` or `postgres://…`.
 */
export async function openDatabase(
  url: string,
  vault: Vault,
  options: Partial<DatabaseOptions> = {},
): Promise<OpenDatabase> {
  const { migrate: mayMigrate, ...settings } = { ...DEFAULTS, ...options }
  const engine = engineOf(url)
  const sql = new Kysely<Tables>({
    dialect: await createDialect(url, { applicationName: 'sessiongraph', ...settings }),
  })
  try {
    // In its own memory SQLite has but this one connection.
    if (!mayMigrate) await refusePending(sql)
    else if (engine === 'postgres') await migrate(url)
    else await migrateHere(sql)
  } catch (error) {
    await sql.destroy()
    throw error
  }
  return { sql, engine, vault, known: {}, close: () => sql.destroy() }
}

async function migrateHere(sql: Kysely<Tables>): Promise<void> {
  const { error } = await createMigrator(sql).migrateToLatest()
  if (error) throw error
}

async function refusePending(sql: Kysely<Tables>): Promise<void> {
  const pending = (await createMigrator(sql).getMigrations()).filter(({ executedAt }) => !executedAt)
  if (pending.length > 0) throw new PendingMigrationsError(pending.map(({ name }) => name))
}

/** AUTO_MIGRATE is off and the database is older than this build. */
export class PendingMigrationsError extends Error {
  constructor(names: readonly string[]) {
    super(
      `The database lacks migrations: ${names.join(', ')}. Run \`sessiongraph db migrate\`, or set AUTO_MIGRATE=on.`,
    )
    this.name = 'PendingMigrationsError'
  }
}

const MOST_TRIES = 8
const PAUSE_MS = 20

/**
 * Runs `run` in one transaction. Inside it only the database it is given may be used, and nothing but it: where two
 * transactions meet, one is undone and `run` runs again.
 */
export async function inTransaction<T>(db: Database, run: (db: Database) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await db.sql
        .transaction()
        .setIsolationLevel('read committed')
        .execute(sql => run({ ...db, sql }))
    } catch (error) {
      if (tries === MOST_TRIES || !gaveWay(db, error)) throw error
      await sleep(Math.random() * PAUSE_MS * tries)
    }
  }
}

/** A row that was not there when it was looked for, and is when it is inserted: the next time it is found. */
function gaveWay(db: Database, error: unknown): boolean {
  return isConflict(error) || (db.engine === 'postgres' && isUniqueViolation(error))
}
