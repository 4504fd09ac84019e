import { setTimeout as sleep } from 'node:timers/promises'
import SqliteDatabase from 'better-sqlite3'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import { DatabaseUnavailableError } from './failure.ts'
import { type KeptStatement, keepStatements } from './sqlite-statements.ts'

const BUSY_PATIENCE_MS = 5_000

/**
 * All that is written goes by one connection, one transaction at a time. What is read outside of a transaction goes by
 * `reader` where there is one: it sees what was committed, and waits for nobody.
 */
export function createSqliteDriver(writer: SqliteDatabase.Database, reader?: SqliteDatabase.Database): Driver {
  const write = keepStatements(writer)
  const read = reader && keepStatements(reader)
  const lock = createLock()

  class Connection implements DatabaseConnection {
    /** While a transaction runs. */
    #release: (() => void) | undefined

    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      if (this.#release) return run<R>(write(sql), parameters)
      const statement = read?.(sql)
      if (statement?.reads) return run<R>(statement, parameters)
      const release = await lock()
      try {
        return await run<R>(write(sql), parameters)
      } finally {
        release()
      }
    }

    streamQuery(): never {
      throw new Error('Rows are not streamed here: read them page by page.')
    }

    async begin(): Promise<void> {
      const release = await lock()
      try {
        // Takes the lock of the file, too.
        await run(write('begin immediate'), [])
      } catch (error) {
        release()
        throw error
      }
      this.#release = release
    }

    async end(how: 'commit' | 'rollback'): Promise<void> {
      await run(write(how), [])
      this.#leave()
    }

    /** A transaction that could not be ended is over with its connection. */
    leave(): void {
      if (this.#release && writer.inTransaction) writer.exec('rollback')
      this.#leave()
    }

    #leave(): void {
      this.#release?.()
      this.#release = undefined
    }
  }

  const ours = (connection: DatabaseConnection) => connection as Connection
  return {
    init: async () => {},
    acquireConnection: async () => new Connection(),
    beginTransaction: connection => ours(connection).begin(),
    commitTransaction: connection => ours(connection).end('commit'),
    rollbackTransaction: connection => ours(connection).end('rollback'),
    releaseConnection: async connection => ours(connection).leave(),
    destroy: async () => {
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

/** One after the other, in the order in which they came. */
function createLock(): () => Promise<() => void> {
  let last: Promise<void> = Promise.resolve()
  return async () => {
    const before = last
    let release = () => {}
    last = new Promise(resolve => {
      release = resolve
    })
    await before
    return release
  }
}

/** Waits for another process that writes, without blocking this one. */
async function run<R>(statement: KeptStatement, parameters: readonly unknown[]): Promise<QueryResult<R>> {
  const until = Date.now() + BUSY_PATIENCE_MS
  for (let pause = 2; ; pause = Math.min(pause * 2, 100)) {
    try {
      const { rows, changes } = statement.run(parameters)
      return { rows: rows as R[], ...(changes !== undefined && { numAffectedRows: BigInt(changes) }) }
    } catch (error) {
      if (!isBusy(error)) throw error
      if (Date.now() > until) throw new DatabaseUnavailableError('BUSY', { cause: error })
      await sleep(pause)
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
