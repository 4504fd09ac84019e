import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { addressOf, onServer } from './postgres.ts'

/** A database for one test, of the engine of its vitest project. */
export interface TestDatabase {
  readonly url: string
  /** Releases the database for reuse. All connections must be closed. */
  release(): Promise<void>
}

/** The PostgreSQL databases in use by this worker. Released ones are reused, because creating a database is slow. */
const taken = new Set<number>()

/** True where the test runs on PostgreSQL. */
export function onPostgres(): boolean {
  return inject('postgresPrefix') !== undefined
}

/** An empty, migrated database that several processes can open: a SQLite file or a PostgreSQL database. */
export async function takeDatabase(): Promise<TestDatabase> {
  return onPostgres() ? takePostgres() : takeFile()
}

/** The same for a single connection: on SQLite it is in memory. */
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

/** Deletes all rows in one statement, because foreign keys are checked at its end. */
async function empty(name: string): Promise<void> {
  await onServer(async client => {
    const { rows } = await client.query(
      `select tablename from pg_tables where schemaname = 'public' and not starts_with(tablename, 'kysely_')`,
    )
    const deletes = rows.map(({ tablename }, at) => `d${at} as (delete from "${tablename}")`)
    await client.query(`with ${deletes.join(', ')} select 1`)
  }, name)
}
