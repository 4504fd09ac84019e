import type { Database } from 'better-sqlite3'
import type { CompiledQuery, QueryResult } from 'kysely'
import { runPatiently } from './sqlite-patience.ts'
import { keepStatements } from './sqlite-statements.ts'

/**
 * Group commit. What is written in one turn of the event loop is one transaction of SQLite, because bringing a commit to
 * the disk costs more than all that is in it. Each transaction of ours is a savepoint there, so that it can be undone
 * alone. Nobody is told what it found there, or that it is written, before it is on the disk; where that fails, all that
 * were in it fail.
 */
export interface SqliteWriter {
  /** Runs one statement by itself. */
  run<R>(query: CompiledQuery): Promise<QueryResult<R>>
  /** Waits for its turn: one transaction runs at a time. */
  begin(): Promise<SqliteTransaction>
  /** Commits what is open. */
  settle(): Promise<void>
}

export interface SqliteTransaction {
  run<R>(query: CompiledQuery): Promise<QueryResult<R>>
  commit(): Promise<void>
  /** Does nothing where it is over. */
  rollback(): Promise<void>
}

/** What is committed together. */
interface Group {
  /** Resolves when it is on the disk. */
  readonly committed: Promise<void>
  readonly succeed: () => void
  readonly fail: (error: unknown) => void
}

/** Every function but the three that take the lock is for who holds it. */
export function createSqliteWriter(database: Database): SqliteWriter {
  const statement = keepStatements(database)
  const lock = createLock()
  let group: Group | undefined

  async function run<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const release = await lock()
    let joined: Group | undefined
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
      const joined = await join()
      await execute('savepoint ours')
      return transactionIn(joined, release)
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

  async function join(): Promise<Group> {
    if (group) return group
    // Takes the lock of the file, too.
    await execute('begin immediate')
    group = createGroup()
    // When all that is ready now has written.
    setImmediate(settle)
    return group
  }

  async function commit(): Promise<void> {
    const ending = group
    if (!ending) return
    try {
      await execute('commit')
      group = undefined
      ending.succeed()
    } catch (error) {
      abandon(error)
    }
  }

  async function execute<R>(text: string, parameters?: readonly unknown[]): Promise<QueryResult<R>> {
    try {
      return await runPatiently<R>(statement(text), parameters)
    } catch (error) {
      // Where the disk is full or broken, SQLite undoes all of it by itself.
      if (group && !database.inTransaction) abandon(error)
      throw error
    }
  }

  function abandon(error: unknown): void {
    group?.fail(error)
    group = undefined
    if (database.inTransaction) database.exec('rollback')
  }

  function transactionIn(joined: Group, release: () => void): SqliteTransaction {
    let isOver = false

    function leave(): void {
      isOver = true
      release()
    }

    return {
      async run({ sql, parameters }) {
        // Outside of its group a statement would be committed by itself.
        if (isOver || group !== joined) throw new Error('The transaction is over.')
        return execute(sql, parameters)
      },
      async commit() {
        if (group === joined) await execute('release ours')
        leave()
        await joined.committed
      },
      async rollback() {
        if (isOver) return
        try {
          if (group === joined) {
            await execute('rollback to ours')
            await execute('release ours')
          }
        } catch (error) {
          abandon(error)
        } finally {
          leave()
          await joined.committed.catch(() => {})
        }
      },
    }
  }

  return { run, begin, settle }
}

function createGroup(): Group {
  let succeed = () => {}
  let fail: Group['fail'] = () => {}
  const committed = new Promise<void>((resolve, reject) => {
    succeed = resolve
    fail = reject
  })
  // There may be nobody left in it whom it matters to.
  committed.catch(() => {})
  return { committed, succeed, fail }
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
