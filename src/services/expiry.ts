import { type Database, inTransaction } from '../../db/database.ts'
import { findOverdueSessions, hasOverdueSessions, setNextPoll } from '../../db/session-clock-repository.ts'
import type { StoredSession } from '../../db/session-columns.ts'
import { updateSession } from '../../db/session-repository.ts'
import { altered } from '../domain/altered.ts'
import type { Session } from '../domain/session.ts'
import { nextPollAt } from './poll-schedule.ts'
import { recordChange } from './timeline.ts'

const BATCH = 200

/**
 * Marks as EXPIRED what is open and past its time, by the clock alone: the provider may still say otherwise later.
 * Gives the tenants to which something happened.
 */
export async function expireOverdue(db: Database, now: Date, tenantId?: string): Promise<ReadonlySet<string>> {
  // Most looks find nothing, and need no transaction.
  if (!(await hasOverdueSessions(db, now, tenantId))) return new Set()
  return inTransaction(db, trx => expireAll(trx, now, tenantId))
}

/** True for one that is so marked the next time. What the provider said after that time counts. */
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
  const next = nextPollAt(altered(session, { ...change, sync }), { polls: 0, watched: false, now })
  const changed = await updateSession(db, session.id, change, session.status)
  if (changed && session.polled) await setNextPoll(db, session.id, next, 0)
  if (changed) await recordChange(db, { session, source: 'DERIVED', at: now }, session, altered(session, change))
}
