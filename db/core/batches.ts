import { setImmediate as yieldToEventLoop } from 'node:timers/promises'

/** The values of one statement: SQLite allows 32,766 parameters, PostgreSQL 65,535. */
const MAX_BATCH = 500

/**
 * Runs a statement for all these values, without duplicates and in batches. Returns the rows of all statements. A statement
 * of SQLite is synchronous work, so other work runs between two batches; a transaction stays open meanwhile.
 */
export async function inBatches<Value, Row>(
  values: Iterable<Value>,
  run: (batch: Value[]) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const distinct = [...new Set(values)]
  const found: Row[] = []
  for (let start = 0; start < distinct.length; start += MAX_BATCH) {
    if (start > 0) await yieldToEventLoop()
    for (const row of await run(distinct.slice(start, start + MAX_BATCH))) found.push(row)
  }
  return found
}
