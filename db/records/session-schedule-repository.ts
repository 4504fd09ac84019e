import type { Database } from '../core/database.ts'
import { forUpdate } from '../core/dialect.ts'
import { prepareQuery } from '../core/prepared-query.ts'
import { type StoredSession, toStoredSession } from './session-columns.ts'

/** Whether a session is open and past its expiry. */
export async function hasOverdueSessions(db: Database, now: Date, tenantId?: string): Promise<boolean> {
  const rows =
    tenantId === undefined
      ? await SELECT_OVERDUE(db, now.getTime())
      : await SELECT_OVERDUE_OF(db, now.getTime(), tenantId)
  return rows.length > 0
}

const SELECT_OVERDUE = prepareQuery((db, now: number) => overdue(db, now).select('id').limit(1))
const SELECT_OVERDUE_OF = prepareQuery((db, now: number, tenantId: string) =>
  overdue(db, now).where('tenant_id', '=', tenantId).select('id').limit(1),
)

function overdue(db: Database, now: number) {
  const open = db.sql.selectFrom('sessions').where('status', 'in', ['CREATED', 'IN_PROGRESS'])
  // A snapshot after the expiry is authoritative, even where the session is still open in it.
  return open.where('expires_at', '<=', now).whereRef('fetched_at', '<', 'expires_at')
}

/** Open sessions that are past their expiry, of one tenant or of all. */
export async function findOverdueSessions(
  db: Database,
  now: Date,
  limit: number,
  tenantId?: string,
): Promise<StoredSession[]> {
  let query = overdue(db, now.getTime()).selectAll()
  if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId)
  // One order of sessions and of their tenants' event positions prevents deadlocks.
  const ordered = query.orderBy('tenant_id').orderBy('id').limit(limit)
  return (await ordered.$call(forUpdate(db)).execute()).map(row => toStoredSession(db, row))
}
