import { sql } from 'kysely'
import type { Database } from './database.ts'

/** The tables whose rows tell when they were last read at their provider. */
export type SightedTable = 'applicants' | 'customers' | 'sessions'

/** A row that its provider showed as it is stored. Times are epoch milliseconds. */
export interface SightingRow {
  readonly id: string
  /** `began_at` of the row that was compared. */
  readonly comparedAt: number
  readonly beganAt: number
  readonly fetchedAt: number
  /** Undefined: nothing was told of its attempts. */
  readonly attemptsFetchedAt: number | undefined
}

/** So many rows a statement: a few lengths only, so that statements are prepared once. */
const LENGTHS = [64, 8, 1]

/**
 * Notes when rows were seen, with their attempts where these were told, as long as they are still those that were compared.
 * Gives the ids of these.
 */
export async function saveSightings(
  db: Database,
  table: SightedTable,
  sightings: readonly SightingRow[],
): Promise<ReadonlySet<string>> {
  const saved = new Set<string>()
  for (let start = 0; start < sightings.length; ) {
    const length = LENGTHS.find(length => length <= sightings.length - start) ?? 1
    const some = sightings.slice(start, start + length)
    for (const id of await saveSome(db, table, some)) saved.add(id)
    await saveAttempts(
      db,
      table,
      some.filter(({ id, attemptsFetchedAt }) => attemptsFetchedAt && saved.has(id)),
    )
    start += length
  }
  return saved
}

async function saveSome(db: Database, table: SightedTable, sightings: readonly SightingRow[]): Promise<string[]> {
  const rows = sightings.map(
    ({ id, comparedAt, beganAt, fetchedAt, attemptsFetchedAt = null }) =>
      sql`(${id}, ${comparedAt}, ${beganAt}, ${fetchedAt}, ${attemptsFetchedAt})`,
  )
  const name = sql.table(table)
  const attempts =
    table === 'customers'
      ? sql``
      : sql`, attempts_fetched_at = coalesce(cast(seen.column5 as bigint), ${name}.attempts_fetched_at)`
  const { rows: saved } = await sql<{ id: string }>`
    update ${name}
    set began_at = cast(seen.column3 as bigint), fetched_at = cast(seen.column4 as bigint)${attempts}
    from (values ${sql.join(rows)}) as seen
    where ${name}.id = seen.column1 and ${name}.began_at = cast(seen.column2 as bigint)
    returning ${name}.id as id`.execute(db.sql)
  return saved.map(row => row.id)
}

/** An attempt was told by its owner's answer, so no answer whose request began earlier may change it either. */
async function saveAttempts(db: Database, table: SightedTable, sightings: readonly SightingRow[]): Promise<void> {
  const owner = sql.ref(table === 'sessions' ? 'attempts.session_id' : 'attempts.applicant_id')
  for (const { id, beganAt } of sightings) {
    await sql`update attempts set began_at = ${beganAt} where ${owner} = ${id} and began_at < ${beganAt}`.execute(
      db.sql,
    )
  }
}
