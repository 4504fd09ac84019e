import type { Database } from 'better-sqlite3'
import type { CompiledQuery, QueryResult } from 'kysely'
import { DatabaseUnavailableError } from '../core/database-error.ts'
import { NO_FILE, type SqliteFile } from './file.ts'
import { retryWhileBusy } from './retry.ts'
import { createStatementCache } from './statement-cache.ts'

/**
 * Group commit. The writes of one turn of the event loop share one SQLite transaction, because syncing a commit to disk costs
 * more than its statements. Each transaction of the application but the first is a savepoint in it, so that it rolls back
 * alone: SQLite keeps the rollback data of a savepoint in memory, so that a long transaction is the first one of a group wherever
 * it can. Results are returned after the commit; where it fails, all transactions of the group fail.
 */
export interface SqliteWriter {
  /** Runs one statement. */
  run<R>(query: CompiledQuery): Promise<QueryResult<R>>
  /** Waits for the running transaction. */
  begin(): Promise<SqliteTransaction>
  /** Commits the open group. */
  settle(): Promise<void>
}

export interface SqliteTransaction {
  run<R>(query: CompiledQuery): Promise<QueryResult<R>>
  commit(): Promise<void>
  /** Does nothing after the end of the transaction. */
  rollback(): Promise<void>
}

/** The writes of one commit. */
interface CommitGroup {
  /** Resolves when the commit is on disk. */
  readonly committed: Promise<void>
  readonly succeed: () => void
  readonly fail: (error: unknown) => void
}

/** `run`, `begin` and `settle` take the lock. All other functions require it. */
export function createSqliteWriter(database: Database, file: SqliteFile = NO_FILE): SqliteWriter {
  const statement = createStatementCache(database)
  const lock = createLock()
  let group: CommitGroup | undefined

  async function run<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const release = await lock()
    let joined: CommitGroup | undefined
    try {
      const { reads, isAlone } = statement(sql)
      if (isAlone) await commit()
      else if (!reads) joined = await join()
      return await execute<R>(sql, parameters)
    } finally {
      release()
      await joined?.committed
    }
  }

  async function begin(): Promise<SqliteTransaction> {
    const release = await lock()
    try {
      const isFirst = group === undefined
      const joined = await join()
      if (!isFirst) await execute('savepoint own')
      return transactionIn(joined, release, isFirst)
    } catch (error) {
      release()
      throw error
    }
  }

  async function settle(): Promise<void> {
    const release = await lock()
    try {
      await commit()
    } finally {
      release()
    }
  }

  async function join(): Promise<CommitGroup> {
    if (group) return group
    file.assertInPlace()
    // Also takes the lock of the file.
    await execute('begin immediate')
    group = createCommitGroup()
    // After the writes of this turn of the event loop.
    setImmediate(settle)
    return group
  }

  async function commit(): Promise<void> {
    const ending = group
    if (!ending) return
    try {
      file.assertInPlace()
      await execute('commit')
    } catch (error) {
      return abandon(error)
    }
    group = undefined
    file.noteWrite(true)
    if (file.state() !== 'REPLACED') ending.succeed()
    else ending.fail(new DatabaseUnavailableError('REPLACED'))
  }

  async function execute<R>(text: string, parameters?: readonly unknown[]): Promise<QueryResult<R>> {
    try {
      return await retryWhileBusy<R>(statement(text), parameters)
    } catch (error) {
      if (error instanceof DatabaseUnavailableError && error.failure === 'STORAGE_FAILED') file.noteWrite(false)
      // SQLite rolls back the whole transaction where the disk is full or fails.
      if (group && !database.inTransaction) abandon(error)
      throw error
    }
  }

  function abandon(error: unknown): void {
    group?.fail(error)
    group = undefined
    if (database.inTransaction) database.exec('rollback')
  }

  async function rollbackOwn(isFirst: boolean): Promise<void> {
    if (isFirst) {
      // Nothing else has written in the group.
      group = undefined
      await execute('rollback')
      return
    }
    await execute('rollback to own')
    await execute('release own')
  }

  /** `isFirst`: the group is the transaction's own until it ends. */
  function transactionIn(joined: CommitGroup, release: () => void, isFirst: boolean): SqliteTransaction {
    let hasEnded = false

    function end(): void {
      hasEnded = true
      release()
    }

    return {
      async run({ sql, parameters }) {
        // Outside of its group a statement would commit on its own.
        if (hasEnded || group !== joined) throw new Error('The transaction has ended.')
        return execute(sql, parameters)
      },
      async commit() {
        if (group === joined && !isFirst) await execute('release own')
        end()
        await joined.committed
      },
      async rollback() {
        if (hasEnded) return
        try {
          if (group === joined) await rollbackOwn(isFirst)
        } catch (error) {
          abandon(error)
        } finally {
          end()
          if (!isFirst) await joined.committed.catch(() => {})
        }
      },
    }
  }

  return { run, begin, settle }
}

function createCommitGroup(): CommitGroup {
  let succeed = () => {}
  let fail: CommitGroup['fail'] = () => {}
  const committed = new Promise<void>((resolve, reject) => {
    succeed = resolve
    fail = reject
  })
  // A group may have no waiting transaction left.
  committed.catch(() => {})
  return { committed, succeed, fail }
}

/** A mutex. Waiters get it in the order of their requests. */
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
