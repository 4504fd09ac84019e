import { toTime } from './columns.ts'
import type { Database } from './database.ts'
import { locked } from './dialect.ts'
import { keptQuery } from './kept-query.ts'
import { type StoredSession, toSession } from './session-columns.ts'

/** Sessions whose time has come: to be looked at, or to be over. */

/** Sessions that it is time to look at, the longest waiting first, of all accounts but these. */
export async function findDuePolls(
  db: Database,
  now: Date,
  limit: number,
  without: readonly string[],
): Promise<StoredSession[]> {
  let query = db.sql.selectFrom('sessions').selectAll().where('next_poll_at', '<=', now.getTime())
  if (without.length > 0) query = query.where('account_id', 'not in', without)
  return (await query.orderBy('next_poll_at').limit(limit).execute()).map(row => toSession(db, row))
}

export async function setNextPoll(db: Database, id: string, at: Date | null, polls: number): Promise<void> {
  const told = { next_poll_at: toTime(at), polls }
  await db.sql.updateTable('sessions').set(told).where('id', '=', id).execute()
}

/** Has these sessions looked at soon. */
export async function pollSoon(db: Database, ids: readonly string[], at: Date): Promise<void> {
  await db.sql
    .updateTable('sessions')
    .set({ next_poll_at: at.getTime() })
    .where('id', 'in', ids)
    .where('next_poll_at', '>', at.getTime())
    .execute()
}

/** Whether there is one of these. */
export async function hasOverdueSessions(db: Database, now: Date, tenantId?: string): Promise<boolean> {
  const rows =
    tenantId === undefined
      ? await SELECT_OVERDUE(db, now.getTime())
      : await SELECT_OVERDUE_OF(db, now.getTime(), tenantId)
  return rows.length > 0
}

const SELECT_OVERDUE = keptQuery((db, now: number) => overdue(db, now).select('id').limit(1))
const SELECT_OVERDUE_OF = keptQuery((db, now: number, tenantId: string) =>
  overdue(db, now).where('tenant_id', '=', tenantId).select('id').limit(1),
)

function overdue(db: Database, now: number) {
  const open = db.sql.selectFrom('sessions').where('status', 'in', ['CREATED', 'IN_PROGRESS'])
  // What the provider said after that time counts, even where it says that the session is still open.
  return open.where('expires_at', '<=', now).whereRef('fetched_at', '<', 'expires_at')
}

/** Sessions that are open and past their time, of one tenant or of all. */
export async function findOverdueSessions(
  db: Database,
  now: Date,
  limit: number,
  tenantId?: string,
): Promise<StoredSession[]> {
  let query = overdue(db, now.getTime()).selectAll()
  if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId)
  // In one order, so that two who want the same sessions, and the counters of their tenants, do not wait in a circle.
  const ordered = query.orderBy('tenant_id').orderBy('id').limit(limit)
  return (await ordered.$call(locked(db)).execute()).map(row => toSession(db, row))
}
