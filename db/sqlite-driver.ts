import type SqliteDatabase from 'better-sqlite3'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import { isBusy, runPatiently } from './sqlite-patience.ts'
import { keepStatements } from './sqlite-statements.ts'
import { createSqliteWriter, type SqliteTransaction } from './sqlite-writer.ts'

/**
 * All that is written goes by one connection, one transaction at a time. What is read outside of a transaction goes by
 * `reader` where there is one: it sees what was committed, and waits for nobody.
 */
export function createSqliteDriver(writer: SqliteDatabase.Database, reader?: SqliteDatabase.Database): Driver {
  const write = createSqliteWriter(writer)
  const read = reader && keepStatements(reader)

  class Connection implements DatabaseConnection {
    /** While one runs. */
    transaction: SqliteTransaction | undefined

    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      if (this.transaction) return this.transaction.run<R>(query)
      const statement = read?.(query.sql)
      return statement?.reads ? runPatiently<R>(statement, query.parameters) : write.run<R>(query)
    }

    streamQuery(): never {
      throw new Error('Rows are not streamed here: read them page by page.')
    }
  }

  const ours = (connection: DatabaseConnection) => connection as Connection
  return {
    init: async () => {},
    acquireConnection: async () => new Connection(),
    beginTransaction: async connection => {
      ours(connection).transaction = await write.begin()
    },
    commitTransaction: async connection => ours(connection).transaction?.commit(),
    rollbackTransaction: async connection => ours(connection).transaction?.rollback(),
    // A transaction that could not be ended is over with its connection.
    releaseConnection: async connection => ours(connection).transaction?.rollback(),
    destroy: async () => {
      await write.settle()
      reader?.close()
      close(writer)
    },
  }
}

/** What is in the write-ahead log goes into the file, so that a copy of the file is whole. Another process may hold it up. */
function close(database: SqliteDatabase.Database): void {
  try {
    database.pragma('wal_checkpoint(TRUNCATE)')
  } catch (error) {
    if (!isBusy(error)) throw error
  } finally {
    database.close()
  }
}
