import { userInfo } from 'node:os'
import pg from 'pg'

/** The PostgreSQL server of the tests, and their databases on it. */

pg.defaults.user ??= userInfo().username

export const POSTGRES_URL = process.env.TEST_DATABASE_URL ?? 'postgres://127.0.0.1:5432/test'

/** Undefined where PostgreSQL is reachable, otherwise the reason. */
export async function whyNoPostgres(): Promise<string | undefined> {
  try {
    await onServer(client => client.query('select 1'))
    return undefined
  } catch (error) {
    const { message, code } = error as Error & { code?: string }
    return code ?? message
  }
}

/** Runs `run` with a connection to the default database, or to another one of the server. */
export async function onServer<T>(run: (client: pg.Client) => Promise<T>, database?: string): Promise<T> {
  const connectionString = database === undefined ? POSTGRES_URL : addressOf(database)
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 3_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

/** The URL of another database of the server. */
export function addressOf(database: string): string {
  const url = new URL(POSTGRES_URL)
  url.pathname = `/${database}`
  return url.href
}

/** Drops the databases with this name prefix, and closes their connections. */
export async function dropDatabases(prefix: string): Promise<void> {
  const names = await listDatabases(prefix)
  await onServer(async client => {
    for (const name of names) await client.query(`drop database if exists "${name}" with (force)`)
  })
}

export function listDatabases(prefix: string): Promise<string[]> {
  const query = 'select datname as name from pg_database where starts_with(datname, $1)'
  return onServer(async client => (await client.query(query, [prefix])).rows.map(({ name }) => name))
}
