import type SqliteDatabase from 'better-sqlite3'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import { isBusy } from './errors.ts'
import type { SqliteFile } from './file.ts'
import { createSqliteWriter, type SqliteTransaction } from './group-commit.ts'
import type { SqliteReader } from './reader.ts'

/**
 * Writes and transactions use one connection, one transaction at a time. Reads outside of a transaction use `reader`, if
 * given.
 */
export function createSqliteDriver(writer: SqliteDatabase.Database, file: SqliteFile, reader?: SqliteReader): Driver {
  const write = createSqliteWriter(writer, file)

  class Connection implements DatabaseConnection {
    /** The running transaction. */
    transaction: SqliteTransaction | undefined

    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      if (this.transaction) return this.transaction.run<R>(query)
      return reader?.read<R>(query) ?? write.run<R>(query)
    }

    streamQuery(): never {
      throw new Error('SQLite rows cannot be streamed. Read them page by page.')
    }
  }

  const own = (connection: DatabaseConnection) => connection as Connection
  return {
    init: async () => {},
    acquireConnection: async () => new Connection(),
    beginTransaction: async connection => {
      own(connection).transaction = await write.begin()
    },
    commitTransaction: async connection => own(connection).transaction?.commit(),
    rollbackTransaction: async connection => own(connection).transaction?.rollback(),
    // Ends a transaction whose commit or rollback failed.
    releaseConnection: async connection => own(connection).transaction?.rollback(),
    destroy: async () => {
      await write.settle()
      reader?.close()
      close(writer)
    },
  }
}

/** Moves the write-ahead log into the file, so that a copy of the file is complete, unless another process blocks it. */
function close(database: SqliteDatabase.Database): void {
  try {
    database.pragma('wal_checkpoint(TRUNCATE)')
  } catch (error) {
    if (!isBusy(error)) throw error
  } finally {
    database.close()
  }
}
