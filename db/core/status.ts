import { statSync } from 'node:fs'
import { Kysely, sql } from 'kysely'
import type { Database, Engine } from './database.ts'
import { createDialect, engineOf } from './dialect.ts'
import type { Tables } from './tables.ts'

export interface DatabaseStatus {
  readonly engine: Engine
  readonly version: string
  /** Bytes on disk, the write-ahead log included; null for a database in memory. */
  readonly bytes: number | null
  /** Rows of each table; for a large table of PostgreSQL an estimate. */
  readonly rows: Readonly<Record<string, number>>
  /** When the oldest create of unknown outcome was sent. */
  readonly oldestUnknown: Date | null
  /** Creates of unknown outcome. */
  readonly unknown: number
}

const COUNTED = ['sessions', 'applicants', 'customers', 'attempts', 'operations', 'deliveries', 'events'] as const

type Opened = Pick<Database, 'sql' | 'engine'>

const SETTINGS = { applicationName: 'sessiongraph status', connections: 1, connectMs: 10_000, statementMs: 60_000 }

/** The state of a migrated database, for operators. */
export async function readStatus(url: string): Promise<DatabaseStatus> {
  const sql = new Kysely<Tables>({ dialect: await createDialect(url, SETTINGS) })
  try {
    return await readOpened({ sql, engine: engineOf(url) })
  } finally {
    await sql.destroy()
  }
}

async function readOpened(db: Opened): Promise<DatabaseStatus> {
  const { oldest, unknown } = await db.sql
    .selectFrom('operations')
    .where('state', '=', 'UNKNOWN')
    .select(eb => [eb.fn.min('sent_at').as('oldest'), eb.fn.countAll<number>().as('unknown')])
    .executeTakeFirstOrThrow()
  const rows: [string, number][] = []
  for (const table of COUNTED) rows.push([table, await countRows(db, table)])
  return {
    engine: db.engine,
    ...(db.engine === 'postgres' ? await readPostgresStatus(db) : await readSqliteStatus(db)),
    rows: Object.fromEntries(rows),
    oldestUnknown: oldest === null ? null : new Date(oldest),
    unknown,
  }
}

/** PostgreSQL reads the whole table to count it. Beyond this number its own estimate is used. */
const MAX_COUNTED = 100_000

async function countRows(db: Opened, table: (typeof COUNTED)[number]): Promise<number> {
  if (db.engine === 'postgres') {
    const estimate = sql<{ rows: number }>`select reltuples::int8 as rows from pg_class where oid = ${table}::regclass`
    const [estimated] = (await estimate.execute(db.sql)).rows
    if (estimated && estimated.rows > MAX_COUNTED) return estimated.rows
  }
  const { count } = await db.sql
    .selectFrom(table)
    .select(eb => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

async function readPostgresStatus(db: Opened): Promise<Pick<DatabaseStatus, 'version' | 'bytes'>> {
  const query = sql<{
    version: string
    bytes: number
  }>`select current_setting('server_version') as version, pg_database_size(current_database()) as bytes`
  const [row] = (await query.execute(db.sql)).rows
  return { version: row?.version ?? '', bytes: row?.bytes ?? null }
}

async function readSqliteStatus(db: Opened): Promise<Pick<DatabaseStatus, 'version' | 'bytes'>> {
  const [version] = (await sql<{ version: string }>`select sqlite_version() as version`.execute(db.sql)).rows
  const [main] = (await sql<{ file: string }>`pragma database_list`.execute(db.sql)).rows
  const files = main?.file ? [main.file, `${main.file}-wal`] : []
  const sizes = files.map(file => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
  return { version: version?.version ?? '', bytes: main?.file ? sizes.reduce((sum, size) => sum + size, 0) : null }
}
