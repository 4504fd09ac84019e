import { setTimeout as sleep } from 'node:timers/promises'
import SqliteDatabase from 'better-sqlite3'
import type { QueryResult } from 'kysely'
import { DatabaseUnavailableError } from './failure.ts'
import type { KeptStatement } from './sqlite-statements.ts'

const BUSY_PATIENCE_MS = 5_000

/** Runs a statement, and waits for another process that writes, without blocking this one. */
export async function runPatiently<R>(
  statement: KeptStatement,
  parameters: readonly unknown[] = [],
): Promise<QueryResult<R>> {
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

export function isBusy(error: unknown): boolean {
  return error instanceof SqliteDatabase.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
