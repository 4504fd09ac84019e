import type { SessionFilter } from '../../db/session-repository.ts'
import { altered } from '../domain/altered.ts'
import type { TimelineEvent } from '../domain/event.ts'
import type { Session } from '../domain/session.ts'

/**
 * True where the session matched the filter before what happened, or does after it. `later` is all that happened to it
 * since, up to the session as it is given: who reads an old event is told the same as who was there.
 */
export function matches(
  filter: SessionFilter,
  session: Session,
  event: TimelineEvent,
  later: readonly TimelineEvent[],
): boolean {
  const after = undo(session, later)
  // What was written down in the same moment is one change: a new session has its links from the start.
  const afterAll = undo(
    session,
    later.filter(({ at }) => at.getTime() !== event.at.getTime()),
  )
  return [undo(after, [event]), after, afterAll].some(state => holds(filter, state))
}

/** True where only what is written down as events decides, so that it matters when something happened. */
export function dependsOnTime(filter: SessionFilter): boolean {
  return [filter.status, filter.outcome, filter.applicantId, filter.customerId].some(wanted => wanted != null)
}

function undo(session: Session, events: readonly TimelineEvent[]): Session {
  return events.reduceRight(undoOne, session)
}

function undoOne(session: Session, { data }: TimelineEvent): Session {
  if (data.type === 'StatusChanged') {
    return altered(session, { status: data.from ?? data.to, outcome: data.fromOutcome ?? data.outcome })
  }
  if (data.type === 'LinkChanged') {
    return altered(session, { applicantId: data.fromApplicantId, customerId: data.fromCustomerId })
  }
  return session
}

function holds(filter: SessionFilter, session: Session): boolean {
  return (
    isOneOf(filter.provider, session.provider) &&
    isOneOf(filter.status, session.status) &&
    isOneOf(filter.outcome, session.outcome) &&
    isThe(filter.externalId, session.externalId) &&
    isThe(filter.applicantId, session.applicantId) &&
    isThe(filter.customerId, session.customerId) &&
    (!filter.createdAfter || session.createdAt > filter.createdAfter) &&
    (!filter.createdBefore || session.createdAt < filter.createdBefore)
  )
}

function isOneOf<T>(wanted: readonly T[] | null | undefined, value: T): boolean {
  return wanted == null || wanted.includes(value)
}

function isThe(wanted: string | null | undefined, value: string | null): boolean {
  return wanted == null || wanted === value
}
