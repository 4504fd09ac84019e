import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import pg from 'pg'

/** A database that several servers share, and a test looks into. */
export interface SharedStore {
  /** The settings by which a server reaches it. */
  readonly env: NodeJS.ProcessEnv
  query<Row>(text: string): Promise<Row[]>
  close(): Promise<void>
}

export function openSqliteStore(name: string): SharedStore {
  const folder = mkdtempSync(join(tmpdir(), `sessiongraph-${name}-`))
  const file = join(folder, `${name}.db`)
  return {
    env: { DATABASE_URL: `sqlite:${file}` },
    query: async <Row>(text: string) => {
      const database = new SqliteDatabase(file, { readonly: true })
      try {
        return database.prepare(text).all() as Row[]
      } finally {
        database.close()
      }
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

const POSTGRES_URL = process.env.TEST_DATABASE_URL ?? 'postgres://127.0.0.1:5432/test'

/** A new database on the PostgreSQL of the tests. Rejects where none answers. */
export async function openPostgresStore(name: string): Promise<SharedStore> {
  const database = `sg_${name}_${process.pid}_${Date.now().toString(36)}`
  const url = new URL(POSTGRES_URL)
  await once(url.href, client => client.query(`create database "${database}" template template0`))
  url.pathname = `/${database}`
  return {
    env: { DATABASE_URL: url.href },
    query: async text => (await once(url.href, client => client.query(text))).rows,
    close: async () =>
      void (await once(POSTGRES_URL, client => client.query(`drop database "${database}" with (force)`))),
  }
}

/** Undefined where the PostgreSQL of the tests answers, else why it does not. */
export async function whyNoPostgres(): Promise<string | undefined> {
  return once(POSTGRES_URL, client => client.query('select 1')).then(
    () => undefined,
    (error: Error & { code?: string }) => `PostgreSQL at ${POSTGRES_URL}: ${error.code ?? error.message}`,
  )
}

async function once<T>(connectionString: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  pg.defaults.user ??= userInfo().username
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 3_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}
