import { inBatches } from '../core/batches.ts'
import { toTime } from '../core/columns.ts'
import type { Database } from '../core/database.ts'
import { type StoredApplicant, toStoredApplicant } from './applicant-repository.ts'
import { type StoredSession, toStoredSession } from './session-columns.ts'

/** A record that is due for polling. `covered`: the poll of a session of the applicant also reads the applicant. */
export type DuePoll =
  | { readonly table: 'sessions'; readonly record: StoredSession }
  | { readonly table: 'applicants'; readonly record: StoredApplicant; readonly covered: boolean }

/** The accounts whose records are not polled. */
export type Excluded = Readonly<Record<DuePoll['table'], ReadonlySet<string>>>

/**
 * A record is due if its poll time is up to `now`, or after `latest`: a later time was set before the clock was set
 * back.
 */
export interface DueTimes {
  readonly now: Date
  readonly latest: Date
}

/** The records that are due, the longest waiting first. */
export async function findDuePolls(
  db: Database,
  times: DueTimes,
  limit: number,
  excluded: Excluded,
): Promise<DuePoll[]> {
  const sessions = (await findDue(db, 'sessions', times, limit, excluded)).map(row => toStoredSession(db, row))
  const applicants = (await findDue(db, 'applicants', times, limit, excluded)).map(row => toStoredApplicant(db, row))
  const covered = await findCovered(db, applicants)
  const polls: DuePoll[] = [
    ...sessions.map(record => ({ table: 'sessions', record }) as const),
    ...applicants.map(record => ({ table: 'applicants', record, covered: covered.has(record.id) }) as const),
  ]
  return polls.sort((a, b) => dueAt(a) - dueAt(b)).slice(0, limit)
}

function dueAt({ record }: DuePoll): number {
  return record.nextPollAt?.getTime() ?? 0
}

/** Two queries, so that each one reads only matching entries of the index. */
async function findDue<Table extends 'applicants' | 'sessions'>(
  db: Database,
  table: Table,
  { now, latest }: DueTimes,
  limit: number,
  excluded: Excluded,
): Promise<RowsOf[Table][]> {
  const due = await findWhere(db, table, ['<=', now], limit, excluded)
  return due.length < limit ? [...due, ...(await findWhere(db, table, ['>', latest], limit, excluded))] : due
}

async function findWhere<Table extends 'applicants' | 'sessions'>(
  db: Database,
  table: Table,
  [operator, at]: readonly ['<=' | '>', Date],
  limit: number,
  excluded: Excluded,
): Promise<RowsOf[Table][]> {
  // Both tables have the selected columns.
  let query = db.sql
    .selectFrom(table as 'sessions')
    .selectAll()
    .where('next_poll_at', operator, at.getTime())
  if (excluded[table].size > 0) query = query.where('account_id', 'not in', [...excluded[table]])
  const rows: unknown = await query.orderBy('next_poll_at').limit(limit).execute()
  return rows as RowsOf[Table][]
}

interface RowsOf {
  readonly applicants: Parameters<typeof toStoredApplicant>[1]
  readonly sessions: Parameters<typeof toStoredSession>[1]
}

async function findCovered(db: Database, applicants: readonly StoredApplicant[]): Promise<ReadonlySet<string | null>> {
  if (applicants.length === 0) return new Set()
  const rows = await db.sql
    .selectFrom('sessions')
    .innerJoin('applicants', 'applicants.id', 'sessions.applicant_id')
    .select('sessions.applicant_id')
    .distinct()
    .where('sessions.tenant_id', 'in', [...new Set(applicants.map(({ tenantId }) => tenantId))])
    .where(
      'sessions.applicant_id',
      'in',
      applicants.map(({ id }) => id),
    )
    .whereRef('sessions.account_id', '=', 'applicants.account_id')
    .where('sessions.next_poll_at', 'is not', null)
    .execute()
  return new Set(rows.map(row => row.applicant_id))
}

/** Sets the next poll of a record, unless its poll time changed since it was read. */
export async function setNextPoll(
  db: Database,
  { table, record: { id, nextPollAt } }: Pick<DuePoll, 'record' | 'table'>,
  at: Date | null,
  polls: number,
): Promise<void> {
  await db.sql
    .updateTable(table as 'sessions')
    .set({ next_poll_at: toTime(at), polls })
    .where('id', '=', id)
    .where('next_poll_at', nextPollAt ? '=' : 'is', toTime(nextPollAt))
    .execute()
}

/** Moves the next poll of these sessions to `at`, unless it is earlier. */
export async function pollSoon(db: Database, ids: readonly string[], at: Date): Promise<void> {
  await inBatches(ids, batch =>
    db.sql
      .updateTable('sessions')
      .set({ next_poll_at: at.getTime() })
      .where('id', 'in', batch)
      .where('next_poll_at', '>', at.getTime())
      .execute(),
  )
}
