import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteDatabase } from '../../../db/sqlite/better-sqlite3.ts'
import { addressOf, dropDatabases, onServer } from './postgres.ts'

/** A database that several servers share and a test reads. */
export interface SharedStore {
  /** The server settings for this database. */
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

/** A new database on the test PostgreSQL. Rejects where the server is unreachable. */
export async function openPostgresStore(name: string): Promise<SharedStore> {
  const database = `sg_${name}_${process.pid}_${Date.now().toString(36)}`
  await onServer(client => client.query(`create database "${database}" template template0`))
  return {
    env: { DATABASE_URL: addressOf(database) },
    query: async text => (await onServer(client => client.query(text), database)).rows,
    close: () => dropDatabases(database),
  }
}
