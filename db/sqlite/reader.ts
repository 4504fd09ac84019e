import type { Database } from 'better-sqlite3'
import type { CompiledQuery, QueryResult } from 'kysely'
import type { ReadRows } from '../core/database.ts'
import { isBusy, toStorageError } from './errors.ts'
import { retryWhileBusy } from './retry.ts'
import { createStatementCache } from './statement-cache.ts'

/** Reads on a connection of their own, which sees committed rows and waits for no lock. */
export interface SqliteReader {
  /** Without a promise. Undefined for a query that writes, and while another process blocks the file. */
  readonly readNow: ReadRows
  /** Waits while another process blocks the file. Undefined for a query that writes. */
  read<R>(query: CompiledQuery): Promise<QueryResult<R>> | undefined
  close(): void
}

export function createSqliteReader(database: Database): SqliteReader {
  const find = createStatementCache(database)
  return {
    readNow: ({ sql, parameters }) => {
      const statement = find(sql)
      if (!statement.reads) return undefined
      try {
        return statement.run(parameters).rows
      } catch (error) {
        if (isBusy(error)) return undefined
        throw toStorageError(error)
      }
    },
    read: <R>({ sql, parameters }: CompiledQuery) => {
      const statement = find(sql)
      return statement.reads ? retryWhileBusy<R>(statement, parameters) : undefined
    },
    close: () => void database.close(),
  }
}
