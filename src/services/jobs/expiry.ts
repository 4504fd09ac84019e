import { type Database, inTransaction } from '../../../db/core/database.ts'
import { setNextPoll } from '../../../db/records/poll-repository.ts'
import type { StoredSession } from '../../../db/records/session-columns.ts'
import { updateSession } from '../../../db/records/session-repository.ts'
import { findOverdueSessions, hasOverdueSessions } from '../../../db/records/session-schedule-repository.ts'
import type { Session } from '../../domain/records/session.ts'
import { withOverrides } from '../../domain/with-overrides.ts'
import type { ServiceDeps } from '../deps.ts'
import { recordChange } from '../events/timeline.ts'
import { nextPollAt } from './poll-schedule.ts'

const BATCH = 200

/**
 * Marks open sessions past their time as EXPIRED, by the clock alone: the provider may still report another status. All
 * tenants if `tenantId` is left out. Notifies the subscribers of the tenants with changes.
 */
export async function expireOverdueSessions(
  { db, notifier, now }: Pick<ServiceDeps, 'db' | 'notifier' | 'now'>,
  tenantId?: string,
): Promise<void> {
  const at = now()
  // Most runs find nothing and then need no transaction.
  if (!(await hasOverdueSessions(db, at, tenantId))) return
  const changed = await inTransaction(db, trx => expireAll(trx, at, tenantId))
  for (const tenant of changed) notifier.notify(tenant)
}

/** True if the session expires in the next run. A status that the provider reported after `expiresAt` counts. */
export function isOverdue({ status, expiresAt, sync }: Session, now: Date): boolean {
  const isOpen = status === 'CREATED' || status === 'IN_PROGRESS'
  return isOpen && expiresAt !== null && expiresAt <= now && sync.fetchedAt < expiresAt
}

async function expireAll(db: Database, now: Date, tenantId?: string): Promise<ReadonlySet<string>> {
  const overdue = await findOverdueSessions(db, now, BATCH, tenantId)
  for (const session of overdue) await expire(db, session, now)
  return new Set(overdue.map(session => session.tenantId))
}

async function expire(db: Database, session: StoredSession, now: Date): Promise<void> {
  const change = { status: 'EXPIRED', outcome: 'NOT_APPLICABLE', source: 'DERIVED', updatedAt: now } as const
  const sync = { ...session.sync, source: 'DERIVED' } as const
  const next = nextPollAt(withOverrides(session, { ...change, sync }), { polls: 0, isFollowed: false, now })
  const changed = await updateSession(db, session, change, session.status)
  if (changed && session.nextPollAt) await setNextPoll(db, { table: 'sessions', record: session }, next, 0)
  if (changed) await recordChange(db, { session, source: 'DERIVED', at: now }, session, withOverrides(session, change))
}
