import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../db/database.ts'
import { createVault } from '../../src/security/vault.ts'
import { addressOf, dropDatabases, onServer } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** What the names of this run's databases begin with. The one that is nothing but it is migrated, and copied. */
    postgresPrefix?: string
  }
}

let prefix = ''

/** Before the tests on PostgreSQL: one migrated database, of which each test's own is a copy. */
export async function setup(project: TestProject): Promise<void> {
  prefix = `sg_test_${Date.now().toString(36)}_${process.pid}`
  await onServer(client => client.query(`create database "${prefix}" template template0`))
  const database = await openDatabase(addressOf(prefix), createVault(Buffer.alloc(32)))
  await database.close()
  project.provide('postgresPrefix', prefix)
}

export function teardown(): Promise<void> {
  return dropDatabases(prefix)
}
