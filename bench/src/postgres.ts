import { userInfo } from 'node:os'
import pg from 'pg'
import type { Arena } from './arena.ts'
import type { Seeded } from './seed.ts'

/** A seeded database on the PostgreSQL of this machine, created for the benchmark and dropped afterwards. */
export interface PostgresStore {
  readonly url: string
  readonly seeded: Seeded
  drop(): Promise<void>
}

const SERVER = process.env.TEST_DATABASE_URL ?? 'postgres://127.0.0.1:5432/test'
const NAME = `sg_bench_${process.pid}`

/** Undefined if no PostgreSQL is reachable. */
export async function openPostgresStore(arena: Arena, sessions: number): Promise<PostgresStore | undefined> {
  if (!(await onServer(`create database ${NAME}`))) return undefined
  const url = new URL(SERVER)
  url.pathname = `/${NAME}`
  url.username ||= userInfo().username
  return {
    url: url.href,
    seeded: await arena.seed(url.href, sessions),
    drop: async () => void (await onServer(`drop database if exists ${NAME} with (force)`)),
  }
}

async function onServer(statement: string): Promise<boolean> {
  pg.defaults.user ??= userInfo().username
  const client = new pg.Client({ connectionString: SERVER, connectionTimeoutMillis: 3_000 })
  try {
    await client.connect()
    await client.query(statement)
    return true
  } catch (error) {
    console.error(`PostgreSQL: ${error instanceof Error ? error.message : error}`)
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
