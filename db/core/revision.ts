import { type RawBuilder, sql } from 'kysely'
import { inBatches } from './batches.ts'
import type { Database } from './database.ts'
import { prepareQuery } from './prepared-query.ts'

/**
 * A record's revision grows with each change of its content: of a column that is no timestamp, or of its attempts. So every
 * update of these tables uses this module, and a store omits values that the row already has (see `newTo` in
 * src/services/snapshots/snapshot-context.ts): an update without a new value does not change the revision.
 */

/** The columns that are no content of a record. */
const TIMESTAMP_COLUMNS: ReadonlySet<string> = new Set([
  'attempts_read_started_at',
  'attempts_fetched_at',
  'read_started_at',
  'fetched_at',
  'next_poll_at',
  'polls',
  'read_id',
  'revision',
])

/** Increments the revision where an update changes content. */
export function withRevision<Columns extends object>(
  columns: Columns,
): Columns & { readonly revision?: RawBuilder<number> } {
  if (Object.keys(columns).every(column => TIMESTAMP_COLUMNS.has(column))) return columns
  return { ...columns, revision: sql<number>`revision + 1` }
}

/** Undefined for a record that does not exist, or that another tenant has. */
export async function findRevision(
  db: Database,
  table: RevisedTable,
  tenantId: string,
  id: string,
): Promise<number | undefined> {
  const [row] = await selectRevision[table](db, tenantId, id)
  return row?.revision
}

type RevisedTable = 'applicants' | 'customers' | 'sessions'

const revisionOf = (table: RevisedTable) =>
  prepareQuery((db, tenantId: string, id: string) =>
    db.sql.selectFrom(table).select('revision').where('tenant_id', '=', tenantId).where('id', '=', id),
  )

const selectRevision = {
  applicants: revisionOf('applicants'),
  customers: revisionOf('customers'),
  sessions: revisionOf('sessions'),
} as const

/** Increments the revision of the records whose attempts changed. */
export async function reviseOwners(db: Database, owners: AttemptOwners): Promise<void> {
  for (const table of ['applicants', 'sessions'] as const) {
    const ids = owners[table].filter(id => id != null)
    await inBatches(ids, batch =>
      db.sql.updateTable(table).set({ revision: sql<number>`revision + 1` }).where('id', 'in', batch).execute(),
    )
  }
}

interface AttemptOwners {
  readonly applicants: readonly (string | null | undefined)[]
  readonly sessions: readonly (string | null | undefined)[]
}
