import { setTimeout as sleep } from 'node:timers/promises'
import type { QueryResult } from 'kysely'
import { DatabaseUnavailableError } from '../core/database-error.ts'
import { isBusy, toStorageError } from './errors.ts'
import type { CachedStatement } from './statement-cache.ts'

const BUSY_RETRY_MS = 5_000

/** Runs a statement, and retries while another process writes, without blocking the event loop. */
export async function retryWhileBusy<R>(
  statement: CachedStatement,
  parameters: readonly unknown[] = [],
): Promise<QueryResult<R>> {
  const until = performance.now() + BUSY_RETRY_MS
  for (let pause = 2; ; pause = Math.min(pause * 2, 100)) {
    try {
      const { rows, changes } = statement.run(parameters)
      return { rows: rows as R[], ...(changes !== undefined && { numAffectedRows: BigInt(changes) }) }
    } catch (error) {
      if (!isBusy(error)) throw toStorageError(error)
      if (performance.now() > until) throw new DatabaseUnavailableError('BUSY', { cause: error })
      await sleep(pause)
    }
  }
}
