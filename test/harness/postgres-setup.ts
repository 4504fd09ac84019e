import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../db/database.ts'
import { createVault } from '../../src/security/vault.ts'
import { addressOf, dropDatabases, listDatabases, onServer } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the names of this run's databases begin with. The one that is nothing but it is migrated, and copied. */
    postgresPrefix?: string
  }
}

const NAME = 'sg_test_'
const STALE_MS = 6 * 3_600_000
let prefix = ''

/** Before the tests on PostgreSQL: one migrated database, of which each test's own is a copy. */
export async function setup(project: TestProject): Promise<void> {
  await dropStale()
  prefix = `${NAME}${Date.now().toString(36)}_${process.pid}`
  await onServer(client => client.query(`create database "${prefix}" template template0`))
  const database = await openDatabase(addressOf(prefix), createVault(Buffer.alloc(32)))
  await database.close()
  project.provide('postgresPrefix', prefix)
}

/** What a run left behind that was killed. */
async function dropStale(): Promise<void> {
  const names = await listDatabases(NAME)
  const isStale = (name: string) => Date.now() - Number.parseInt(name.slice(NAME.length), 36) > STALE_MS
  for (const name of names.filter(isStale)) await dropDatabases(name)
}

export function teardown(): Promise<void> {
  return dropDatabases(prefix)
}
