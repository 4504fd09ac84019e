import type { SessionFilter } from '../../db/session-repository.ts'
import type { EventData } from '../domain/event.ts'
import type { Session } from '../domain/session.ts'

/** True where the session matched the filter before what happened, or does after it. */
export function matches(filter: SessionFilter, session: Session, data: EventData): boolean {
  return holds(filter, stateBefore(session, data)) || holds(filter, stateAfter(session, data))
}

function stateBefore(session: Session, data: EventData): Session {
  if (data.type === 'StatusChanged') {
    return { ...session, status: data.from ?? data.to, outcome: data.fromOutcome ?? data.outcome }
  }
  if (data.type === 'LinkChanged') {
    return { ...session, applicantId: data.fromApplicantId, customerId: data.fromCustomerId }
  }
  return session
}

function stateAfter(session: Session, data: EventData): Session {
  if (data.type === 'StatusChanged') return { ...session, status: data.to, outcome: data.outcome }
  if (data.type === 'LinkChanged') return { ...session, applicantId: data.applicantId, customerId: data.customerId }
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
