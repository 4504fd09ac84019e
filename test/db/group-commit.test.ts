import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { CompiledQuery } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteDatabase } from '../../db/sqlite/better-sqlite3.ts'
import { createSqliteWriter, type SqliteTransaction, type SqliteWriter } from '../../db/sqlite/group-commit.ts'

/** The writes of one turn of the event loop are one SQLite commit. */

let directory: string
let file: string
let database: Database
let writer: SqliteWriter
let log: string[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sessiongraph-'))
  file = join(directory, 'store.db')
  log = []
  database = new SqliteDatabase(file, { verbose: text => log.push(String(text)) })
  database.pragma('journal_mode = WAL')
  database.exec(`
    create table marks (name text primary key);
    create table claims (mark text references marks (name) deferrable initially deferred)`)
  writer = createSqliteWriter(database)
})
afterEach(() => {
  database.close()
  rmSync(directory, { recursive: true })
})

const mark = (name: string) => CompiledQuery.raw('insert into marks values (?)', [name])

/** Runs a transaction as Kysely does. */
async function transact(run: (transaction: SqliteTransaction) => Promise<unknown>): Promise<void> {
  const transaction = await writer.begin()
  try {
    await run(transaction)
    await transaction.commit()
  } catch (error) {
    await transaction.rollback()
    throw error
  }
}

/** The rows that another process reads. */
function found(): unknown[] {
  const other = new SqliteDatabase(file)
  try {
    return other.prepare('select name from marks order by name').pluck().all()
  } finally {
    other.close()
  }
}

const commits = () => log.filter(text => text === 'commit').length

test('the writes of one turn of the event loop are one commit', async () => {
  await Promise.all([
    transact(transaction => transaction.run(mark('a'))),
    writer.run(mark('b')),
    transact(transaction => transaction.run(mark('c'))),
  ])

  expect(found()).toEqual(['a', 'b', 'c'])
  expect(commits()).toBe(1)
})

test('a result is returned only after the commit', async () => {
  const seen = await Promise.all([
    transact(transaction => transaction.run(mark('a'))).then(found),
    writer.run(mark('b')).then(found),
  ])

  expect(seen).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
})

test('a read of another write in the group returns only after the commit', async () => {
  const first = writer.run(mark('a'))
  const second = writer.run(mark('a')).catch(found)
  const third = transact(transaction => transaction.run(mark('a'))).catch(found)

  expect(await Promise.all([first, second, third])).toMatchObject([{}, ['a'], ['a']])
})

test('a write after a commit is in the next commit', async () => {
  await writer.run(mark('a')).then(() => writer.run(mark('b')))

  expect(commits()).toBe(2)
})

test('a transaction that fails rolls back alone', async () => {
  const results = await Promise.allSettled([
    transact(transaction => transaction.run(mark('a'))),
    transact(async transaction => {
      await transaction.run(mark('b'))
      await transaction.run(mark('a'))
    }),
    writer.run(mark('a')),
    transact(transaction => transaction.run(mark('c'))),
  ])

  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  expect(found()).toEqual(['a', 'c'])
  expect(commits()).toBe(1)
})

test('where the commit fails, all transactions of its group fail, and later ones do not', async () => {
  const claim = CompiledQuery.raw("insert into claims values ('nobody')")
  const results = await Promise.allSettled([
    writer.run(mark('a')),
    transact(transaction => transaction.run(claim)),
    transact(transaction => transaction.run(mark('b'))),
  ])
  await writer.run(mark('c'))

  expect(results).toEqual(Array(3).fill({ status: 'rejected', reason: expect.any(SqliteDatabase.SqliteError) }))
  expect(found()).toEqual(['c'])
})

test('where SQLite rolls back by itself, all transactions of the group fail', async () => {
  const results = await Promise.allSettled([
    writer.run(mark('a')),
    transact(async transaction => {
      await transaction.run(mark('b'))
      await transaction.run(CompiledQuery.raw("insert or rollback into marks values ('b')")).catch(() => {})
      await transaction.run(mark('c'))
    }),
    transact(transaction => transaction.run(mark('d'))),
  ])

  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  expect(found()).toEqual(['d'])
})

test('a statement that cannot run in a transaction runs after the open group', async () => {
  const [, checkpoint] = await Promise.all([
    writer.run(mark('a')),
    writer.run(CompiledQuery.raw('pragma wal_checkpoint(TRUNCATE)')),
    writer.run(mark('b')),
  ])

  expect(checkpoint.rows).toEqual([{ busy: 0, log: 0, checkpointed: 0 }])
  expect(commits()).toBe(2)
})

test('the open group is committed before the database closes', async () => {
  const writing = writer.run(mark('a'))
  await writer.settle()
  database.close()

  await writing
  expect(found()).toEqual(['a'])
})
