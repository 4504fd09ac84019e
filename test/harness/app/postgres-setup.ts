import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../../db/core/open-database.ts'
import { createFieldEncryption } from '../../../src/security/field-encryption.ts'
import { addressOf, dropDatabases, listDatabases, onServer } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The name prefix of this run's databases. The database with exactly this name is the migrated template. */
    postgresPrefix?: string
  }
}

const NAME = 'sg_test_'
const STALE_MS = 6 * 3_600_000
let prefix = ''

/** Global setup of the PostgreSQL tests: creates the migrated template of the test databases. */
export async function setup(project: TestProject): Promise<void> {
  await dropStale()
  prefix = `${NAME}${Date.now().toString(36)}_${process.pid}`
  await onServer(client => client.query(`create database "${prefix}" template template0`))
  const database = await openDatabase(addressOf(prefix), createFieldEncryption(Buffer.alloc(32)))
  await database.close()
  project.provide('postgresPrefix', prefix)
}

/** Databases of earlier runs that were killed. */
async function dropStale(): Promise<void> {
  const names = await listDatabases(NAME)
  const isStale = (name: string) => Date.now() - Number.parseInt(name.slice(NAME.length), 36) > STALE_MS
  for (const name of names.filter(isStale)) await dropDatabases(name)
}

export function teardown(): Promise<void> {
  return dropDatabases(prefix)
}
