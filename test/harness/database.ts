import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { addressOf, onServer } from './postgres.ts'

/** A database that a test has for itself, of the engine that its project runs on. */
export interface TestDatabase {
  readonly url: string
  /** Gives it back. Nobody may be connected any more. */
  release(): Promise<void>
}

/** Those of this worker: one for each house that runs at a time. They are used again, since making one takes a while. */
const taken = new Set<number>()

/** True where the test runs on PostgreSQL. */
export function onPostgres(): boolean {
  return inject('postgresPrefix') !== undefined
}

/** An empty, migrated database that several may open: a file of SQLite's, or one of PostgreSQL's. */
export async function takeDatabase(): Promise<TestDatabase> {
  return onPostgres() ? takePostgres() : takeFile()
}

/** The same for one who opens it alone and once: SQLite's in memory. */
export async function takePrivateDatabase(): Promise<TestDatabase> {
  return onPostgres() ? takePostgres() : { url: 'sqlite::memory:', release: async () => {} }
}

function takeFile(): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'sessiongraph-'))
  const release = async () => rmSync(folder, { recursive: true, force: true })
  return { url: `sqlite:${join(folder, 'test.db')}`, release }
}

async function takePostgres(): Promise<TestDatabase> {
  let number = 1
  while (taken.has(number)) number++
  taken.add(number)
  const template = inject('postgresPrefix')
  const name = `${template}_${process.env.VITEST_POOL_ID}_${number}`
  await onServer(async client => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) await client.query(`create database "${name}" template "${template}"`)
  })
  await empty(name)
  return { url: addressOf(name), release: async () => void taken.delete(number) }
}

/** In one statement, after which alone the references between the tables are looked at. */
async function empty(name: string): Promise<void> {
  await onServer(async client => {
    const { rows } = await client.query(
      `select tablename from pg_tables where schemaname = 'public' and not starts_with(tablename, 'kysely_')`,
    )
    const deletes = rows.map(({ tablename }, at) => `d${at} as (delete from "${tablename}")`)
    await client.query(`with ${deletes.join(', ')} select 1`)
  }, name)
}
