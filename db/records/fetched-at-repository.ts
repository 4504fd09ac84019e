import { sql } from 'kysely'
import { inBatches } from '../core/batches.ts'
import type { Database } from '../core/database.ts'
import { lockFreeRows, lockRows } from '../core/record-locks.ts'

/** The tables with a fetched_at column. */
export type FetchedTable = 'applicants' | 'customers' | 'sessions'

/** A row whose provider sent it unchanged. */
export interface FetchedAtRow {
  readonly id: string
  /** The revision of the compared row, and the reads that may be in its read_id by now. */
  readonly revision: number
  readonly comparedIds: readonly [string, string]
  readonly readId: string
  /** When the read began, in milliseconds: by the wall clock, and by the shared clock. */
  readonly fetchedAt: number
  readonly startedAt: number
  /** The attempts of the snapshot; undefined: it had none. */
  readonly attempts: readonly FetchedAttempt[] | undefined
}

/** An attempt that its provider sent unchanged, and the read of the stored one. */
export interface FetchedAttempt {
  readonly id: string
  readonly readId: string | null
}

/** Rows per statement. Few sizes, so that few statements are prepared. */
const BATCH_SIZES = [64, 8, 1]

export interface SavedFetchedAt {
  readonly saved: ReadonlySet<string>
  /** The rows that changed after the comparison. */
  readonly changed: ReadonlySet<string>
  /** The rows that another transaction had locked: this one waits for nobody. */
  readonly locked: ReadonlySet<string>
}

/** Sets fetched_at of unchanged rows. A row that another read updated meanwhile has the same content and is skipped. */
export async function saveFetchedAt(
  db: Database,
  table: FetchedTable,
  updates: readonly FetchedAtRow[],
): Promise<SavedFetchedAt> {
  const ids = updates.map(({ id }) => id)
  const free = await lockFreeRows(db, table, ids)
  const ofFree = updates.filter(({ id }) => free.has(id))
  const saved = new Set<string>()
  for (const some of batchesOf(ofFree)) for (const id of await saveSome(db, table, some)) saved.add(id)
  const changed = await findChanged(
    db,
    table,
    ofFree.filter(({ id }) => !saved.has(id)),
  )
  const locked = await findStored(
    db,
    table,
    ids.filter(id => !free.has(id)),
  )
  return { saved, changed, locked }
}

/** Those of these rows that are stored: an erased one is not. */
async function findStored(db: Database, table: FetchedTable, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await inBatches(ids, batch => db.sql.selectFrom(table).select('id').where('id', 'in', batch).execute())
  return new Set(rows.map(({ id }) => id))
}

/**
 * Sets the read of the attempts of saved rows. The attempts came with their owner's snapshot, so no snapshot of an earlier
 * read may change them either.
 */
export async function saveAttemptsFetchedAt(db: Database, updates: readonly FetchedAtRow[]): Promise<void> {
  const attempts = updates.flatMap(({ attempts = [], comparedIds, readId }) =>
    attempts.map(({ id, readId: storedId }) => ({ id, readId, comparedIds: [...comparedIds, storedId ?? ''] })),
  )
  await lockRows(
    db,
    'attempts',
    attempts.map(({ id }) => id),
  )
  for (const some of batchesOf(attempts)) await saveAttempts(db, some)
}

/** Items in few sizes of batches. */
function batchesOf<T>(items: readonly T[]): T[][] {
  const batches: T[][] = []
  for (let start = 0; start < items.length; ) {
    const length = BATCH_SIZES.find(size => size <= items.length - start) ?? 1
    batches.push(items.slice(start, start + length))
    start += length
  }
  return batches
}

async function saveSome(db: Database, table: FetchedTable, updates: readonly FetchedAtRow[]): Promise<string[]> {
  const rows = updates.map(
    ({ id, revision, comparedIds: [first, second], readId, fetchedAt, startedAt, attempts }) =>
      sql`(${id}, ${revision}, ${first}, ${second}, ${readId}, ${fetchedAt}, ${startedAt}, ${attempts ? 1 : 0})`,
  )
  const name = sql.table(table)
  const bigint = (column: string) => sql`cast(seen.${sql.ref(column)} as bigint)`
  const reportedAttempts = (column: string, value: string) =>
    sql`${sql.ref(column)} = case when ${bigint('column8')} = 1 then ${bigint(value)} else ${name}.${sql.ref(column)} end`
  const attempts =
    table === 'customers'
      ? sql``
      : sql`, ${reportedAttempts('attempts_fetched_at', 'column6')}, ${reportedAttempts('attempts_read_started_at', 'column7')}`
  const { rows: saved } = await sql<{ id: string }>`
    update ${name}
    set read_id = seen.column5, fetched_at = ${bigint('column6')}, read_started_at = ${bigint('column7')}${attempts}
    from (values ${sql.join(rows)}) as seen
    where ${name}.id = seen.column1 and ${name}.revision = ${bigint('column2')}
      and ${name}.read_id in (seen.column3, seen.column4)
    returning ${name}.id as id`.execute(db.sql)
  return saved.map(row => row.id)
}

interface AttemptRead {
  readonly id: string
  readonly readId: string
  /** The reads that may be in its read_id by now. */
  readonly comparedIds: readonly string[]
}

async function saveAttempts(db: Database, attempts: readonly AttemptRead[]): Promise<void> {
  const rows = attempts.map(({ id, readId, comparedIds }) => sql`(${sql.join([id, readId, ...comparedIds])})`)
  await sql`
    update attempts set read_id = seen.column2 from (values ${sql.join(rows)}) as seen
    where attempts.id = seen.column1 and attempts.read_id in (seen.column3, seen.column4, seen.column5)`.execute(db.sql)
}

async function findChanged(
  db: Database,
  table: FetchedTable,
  updates: readonly FetchedAtRow[],
): Promise<ReadonlySet<string>> {
  const ids = updates.map(({ id }) => id)
  const rows = await inBatches(ids, batch =>
    db.sql.selectFrom(table).select(['id', 'revision']).where('id', 'in', batch).execute(),
  )
  const revisions = new Map(rows.map(({ id, revision }) => [id, revision]))
  // A missing row was erased.
  const changed = updates.filter(({ id, revision }) => (revisions.get(id) ?? revision) !== revision)
  return new Set(changed.map(({ id }) => id))
}
